"""What people write, made into values: one reader for all servers, that refuses what can be read in two ways."""
