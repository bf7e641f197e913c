# The Debian packages hesse (program and Python package) and libhesse-dev (library and headers),
# made by tools/packages/build deb. CPack computes the libraries that they depend on.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the hesse authors <hesse@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "exact curvature of neural networks, on clusters")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_HESSE_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/tools/packages/debian_files.cmake)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION science)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME hesse)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION
    "The program computes the Hessian of a network's loss, whole or by blocks, over
MPI ranks, with its eigenvalues and with checks in every result, and writes one
HDF5 file that Python, Julia, MATLAB, R and Octave read.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "openmpi-bin")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS
    "libopenblas0, python3, python3-numpy, python3-h5py, python3-scipy")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS
    "python3-plotly, python3-matplotlib, python3-pandas, python3-xarray, python3-mpi4py")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libhesse-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
    "The static library of hesse, its headers, and its files for CMake and
pkg-config.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libopenmpi-dev, libscalapack-openmpi-dev,
 libhdf5-openmpi-dev, libopenblas-dev | libblas-dev, libjansson-dev, libmd-dev, zlib1g-dev,
 libpng-dev")
string(REGEX REPLACE "\n *" " " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
       "${CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS}")
if(NOT elpa_missing)
  string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libelpa-dev")
endif()
include(CPack)
