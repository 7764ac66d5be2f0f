"""Users as a whole: what several slices keep of one."""
