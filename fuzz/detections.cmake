tieline_fuzz(detections LIBS tl_detect)
