tieline_fuzz(smb LIBS tl_smb)
