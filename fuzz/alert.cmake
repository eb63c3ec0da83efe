tieline_fuzz(alert LIBS tl_model tl_io)
