# The page says that its commands run in this folder.
cd jobs/linear
