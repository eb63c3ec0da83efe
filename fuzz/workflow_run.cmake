tieline_fuzz(workflow_run LIBS tl_orchestrate)
