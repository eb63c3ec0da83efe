tieline_fuzz(modbus LIBS tl_modbus)
