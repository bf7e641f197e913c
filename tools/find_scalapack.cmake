# This finds the MPI that a library was built for, and a ScaLAPACK for the MPI, BLAS and
# LAPACK that were found before.
include(CheckCSourceCompiles)
include(CMakePushCheckState)

set(CMAKE_REQUIRED_LIBRARIES MPI::MPI_C)
check_c_source_compiles("
  #include <mpi.h>
  #ifndef OPEN_MPI
  #error
  #endif
  int main(void) { return 0; }" HESSE_OPEN_MPI)
unset(CMAKE_REQUIRED_LIBRARIES)
if(HESSE_OPEN_MPI)
  set(mpi_name "Open MPI")
  set(mpi_suffix openmpi)
else()
  set(mpi_name "MPICH or one of its family")
  set(mpi_suffix mpich)
endif()

# hesse_other_mpi(OUT LIBRARY...): OUT becomes the name of the MPI that the libraries were
# built for, if it is not the one that was found, else the empty string. There are two signs:
# the predefined handles are variables in Open MPI and numbers in MPICH, and a shared library
# names the libraries that it loads. Without a sign the libraries are accepted.
function(hesse_other_mpi out)
  set(theirs "")
  set(archives TRUE)
  foreach(library IN LISTS ARGN)
    if(EXISTS "${library}" AND NOT IS_DIRECTORY "${library}")
      file(STRINGS "${library}" open_mpi LIMIT_COUNT 1
           REGEX "ompi_mpi_|libmpi_mpifh|libmpi_usempif|libmpi\\.so\\.40")
      file(STRINGS "${library}" mpich LIMIT_COUNT 1
           REGEX "libmpich(fort)?\\.so|libmpi(fort)?\\.so\\.12|libmpi_(gnu|cray|intel)")
      if(open_mpi)
        set(theirs "Open MPI")
        break()
      elseif(mpich)
        set(theirs "MPICH or one of its family")
      endif()
    endif()
    if(NOT library MATCHES "\\.a$")
      set(archives FALSE)
    endif()
  endforeach()
  if(NOT theirs AND archives AND HESSE_OPEN_MPI AND ARGN)
    set(theirs "MPICH or one of its family")
  endif()
  if(theirs STREQUAL mpi_name)
    set(theirs "")
  endif()
  set(${out} "${theirs}" PARENT_SCOPE)
endfunction()

# hesse_files(OUT LIBRARY...): replace imported targets by their files.
function(hesse_files out)
  set(files "")
  foreach(library IN LISTS ARGN)
    if(TARGET ${library})
      get_target_property(library ${library} LOCATION)
    endif()
    list(APPEND files ${library})
  endforeach()
  set(${out} "${files}" PARENT_SCOPE)
endfunction()

# Does this link with ScaLAPACK in LIBRARY...?
function(hesse_links_scalapack out)
  cmake_push_check_state(RESET)
  set(CMAKE_REQUIRED_LIBRARIES ${ARGN} LAPACK::LAPACK BLAS::BLAS MPI::MPI_C m)
  set(CMAKE_REQUIRED_QUIET TRUE)
  unset(hesse_links CACHE)
  check_c_source_compiles("
    void Cblacs_pinfo(int *, int *);
    void pdsyevd_(void);
    int main(int n, char **a) { (void)a; Cblacs_pinfo(&n, &n); pdsyevd_(); return 0; }"
    hesse_links)
  cmake_pop_check_state()
  set(${out} "${hesse_links}" PARENT_SCOPE)
  unset(hesse_links CACHE)
endfunction()

# hesse_find_scalapack(): sets SCALAPACK_LIBRARIES, a list of files and flags, or ends the
# configuration. The first of the following that links and was built for this MPI is taken:
# 1. SCALAPACK_LIBRARIES as the user gives it (which must do, or the configuration ends);
# 2. nothing, where the compiler links ScaLAPACK by itself (Cray's libsci);
# 3. MKL's, where BLAS is MKL's;
# 4. pkg-config's scalapack-openmpi or scalapack-mpich, by the MPI, or scalapack, or a library
#    of that name;
# 5. the CMake package scalapack: last, because Debian's names files that do not exist and
#    ends the configuration.
function(hesse_find_scalapack)
  set(refused "")
  macro(try_scalapack)
    hesse_other_mpi(other ${ARGN})
    if(other)
      string(APPEND refused "\n  ${ARGN} was built for ${other}.")
    else()
      hesse_links_scalapack(links ${ARGN})
      if(links)
        set(SCALAPACK_LIBRARIES "${ARGN}" PARENT_SCOPE)
        message(STATUS "Found ScaLAPACK: ${ARGN}")
        return()
      elseif(NOT "${ARGN}" STREQUAL "")
        string(APPEND refused "\n  ${ARGN} does not link with this MPI, BLAS and LAPACK.")
      endif()
    endif()
  endmacro()

  if(SCALAPACK_LIBRARIES)
    try_scalapack(${SCALAPACK_LIBRARIES})
  else()
    try_scalapack()
    if("${BLAS_LIBRARIES}" MATCHES "mkl")
      set(blacs ${mpi_suffix})
      if(NOT HESSE_OPEN_MPI)
        set(blacs intelmpi)
      endif()
      set(hints "")
      foreach(file IN LISTS BLAS_LIBRARIES)
        if(IS_ABSOLUTE "${file}")
          get_filename_component(folder "${file}" DIRECTORY)
          list(APPEND hints ${folder})
        endif()
      endforeach()
      find_library(MKL_SCALAPACK mkl_scalapack_lp64 HINTS ${hints})
      find_library(MKL_BLACS mkl_blacs_${blacs}_lp64 HINTS ${hints})
      if(MKL_SCALAPACK AND MKL_BLACS)
        # The two libraries need each other and MKL.
        try_scalapack(-Wl,--no-as-needed ${MKL_SCALAPACK} ${BLAS_LIBRARIES} ${MKL_BLACS})
      endif()
    endif()
    foreach(name scalapack-${mpi_suffix} scalapack)
      pkg_check_modules(${name} QUIET ${name})
      if(${name}_FOUND)
        # The MPI, BLAS and other libraries that it may also name are left out, because they
        # were found before.
        set(files ${${name}_LINK_LIBRARIES})
        list(FILTER files INCLUDE REGEX "scalapack|blacs")
        try_scalapack(${files})
      endif()
      find_library(SCALAPACK_${name} ${name})
      if(SCALAPACK_${name})
        try_scalapack(${SCALAPACK_${name}})
      endif()
    endforeach()
    find_package(scalapack CONFIG QUIET)
    if(TARGET scalapack)
      hesse_files(files scalapack)
      try_scalapack(${files})
    endif()
  endif()
  if(NOT refused)
    set(refused " None was found.")
  endif()
  list(GET MPI_C_LIBRARIES 0 mpi_file)
  message(FATAL_ERROR "No ScaLAPACK fits the MPI found, ${mpi_name} (${mpi_file}).${refused}\n"
          "Install one for this MPI (on Debian: libscalapack-${mpi_suffix}-dev), name its files "
          "with -DSCALAPACK_LIBRARIES=\"...;...\", or name another MPI with -DMPI_C_COMPILER=...")
endfunction()
