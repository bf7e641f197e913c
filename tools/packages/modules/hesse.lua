-- Module file of Lmod. Copy it to MODULES/hesse/VERSION.lua and change the prefix. If the MPI
-- library, HDF5 and ScaLAPACK that hesse was built with are modules, name them in depends_on.
local prefix = "/opt/hesse/" .. myModuleVersion()

help([[hesse computes the exact curvature of neural networks. `man hesse` explains the commands.]])
whatis("Name: hesse")
whatis("Version: " .. myModuleVersion())
whatis("Description: exact curvature of neural networks, on one machine or on a cluster")

-- depends_on("openmpi", "hdf5", "scalapack")
prepend_path("PATH", pathJoin(prefix, "bin"))
prepend_path("MANPATH", pathJoin(prefix, "share/man"))
prepend_path("PYTHONPATH", pathJoin(prefix, "share/hesse/python"))
prepend_path("CMAKE_PREFIX_PATH", prefix)
prepend_path("PKG_CONFIG_PATH", pathJoin(prefix, "lib/pkgconfig"))
setenv("HESSE_ROOT", prefix)
