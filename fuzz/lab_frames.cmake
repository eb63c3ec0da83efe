tieline_fuzz(lab_frames LIBS lab_tools)
