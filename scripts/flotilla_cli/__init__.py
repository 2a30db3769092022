"""What `make up`, `down`, `demo`, `doctor`, `connect`, `install` and `status` do; scripts/<name> starts each."""
