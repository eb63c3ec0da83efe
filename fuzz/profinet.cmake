tieline_fuzz(profinet LIBS tl_profinet)
