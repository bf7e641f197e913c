# Spack package of hesse. Copy this folder into a repository of yours as packages/hesse, and write
# the address of your copy of the source into `git`.
from spack.package import *


class Hesse(CMakePackage):
    """Exact curvature of neural networks, on one machine or on a cluster: the Hessian of a
    loss, whole or by blocks, over MPI ranks, with its eigenvalues and with checks in every
    result."""

    git = "file:///path/to/hesse"

    license("MIT")

    version("main", branch="main")
    version("0.2.0", tag="v0.2.0")

    variant("elpa", default=True, description="The eigensolvers of ELPA")
    variant("openmp", default=False, description="A BLAS with threads of OpenMP")
    variant("png", default=True, description="Read folders of PNG images")
    variant("python", default=True, description="Commands and package in Python")
    variant("tests", default=False, description="Build and run the tests")

    depends_on("c", type="build")
    depends_on("cmake@3.20:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi@3:")
    depends_on("blas")
    depends_on("lapack")
    depends_on("scalapack")
    depends_on("hdf5@1.10: +mpi+hl")
    depends_on("jansson")
    depends_on("libyaml")
    depends_on("libmd")
    depends_on("zlib-api")
    depends_on("libpng", when="+png")
    depends_on("elpa~openmp", when="+elpa")
    depends_on("openblas threads=openmp", when="+openmp ^[virtuals=blas] openblas")
    depends_on("cmocka", when="+tests", type=("build", "link"))
    with when("+python"):
        depends_on("python@3.9:", type="run")
        depends_on("py-numpy", type="run")
        depends_on("py-h5py", type="run")

    def cmake_args(self):
        args = [
            self.define("HESSE_ELPA", "ON" if self.spec.satisfies("+elpa") else "OFF"),
            self.define("CMAKE_DISABLE_FIND_PACKAGE_PNG", self.spec.satisfies("~png")),
            self.define("BUILD_TESTING", self.spec.satisfies("+tests")),
            self.define("HDF5_ROOT", self.spec["hdf5"].prefix),
            self.define("BLAS_LIBRARIES", self.spec["blas"].libs.joined(";")),
            self.define("LAPACK_LIBRARIES", self.spec["lapack"].libs.joined(";")),
            self.define("SCALAPACK_LIBRARIES", self.spec["scalapack"].libs.joined(";")),
        ]
        if self.spec.satisfies("+elpa"):
            version = self.spec["elpa"].version
            args.append(self.define("HESSE_ELPA_PACKAGE", f"elpa-{version}"))
        return args

    def check(self):
        if self.spec.satisfies("+tests"):
            with working_dir(self.build_directory):
                ctest("-L", "quick", "--output-on-failure")

    def test_selftest(self):
        """the installed program checks itself, alone and on two ranks"""
        hesse = which(self.prefix.bin.hesse)
        hesse("selftest")
        with test_part(self, "test_selftest_two_ranks", purpose="two MPI ranks"):
            launcher = which(self.spec["mpi"].prefix.bin.mpirun)
            launcher("-n", "2", self.prefix.bin.hesse, "selftest")
