tieline_fuzz(token LIBS tl_oidc)
