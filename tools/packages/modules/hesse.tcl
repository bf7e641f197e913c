#%Module1.0
# Module file of Environment Modules. Copy it to MODULES/hesse/VERSION and change the prefix. If the
# MPI library, HDF5 and ScaLAPACK that hesse was built with are modules, name them in prereq.
set version [file tail [module-info name]]
set prefix /opt/hesse/$version

proc ModulesHelp { } {
    puts stderr "hesse computes the exact curvature of neural networks. `man hesse` explains the commands."
}
module-whatis "hesse $version: exact curvature of neural networks, on one machine or on a cluster"

# prereq openmpi hdf5 scalapack
conflict hesse
prepend-path PATH $prefix/bin
prepend-path MANPATH $prefix/share/man
prepend-path PYTHONPATH $prefix/share/hesse/python
prepend-path CMAKE_PREFIX_PATH $prefix
prepend-path PKG_CONFIG_PATH $prefix/lib/pkgconfig
setenv HESSE_ROOT $prefix
