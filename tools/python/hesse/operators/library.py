"""The shared library libhesse_operator: where it is, and its functions (include/hesse/operator.h)."""
import atexit
import ctypes
import functools
import glob
import os
import shutil
import threading

from ..common import INPUT, USAGE, Failure, need

INTERFACE = 1  # HESSE_INTERFACE of the header
NAMES = ("libhesse_operator.so", "libhesse_operator.dylib")
TEXT = 1024  # bytes of a hesse_why

# MPI is started for calls of one thread at a time.
lock = threading.RLock()

_POINTER, _TEXT, _SIZE, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int
# name of a function, without "hesse_": its result and its arguments
_FUNCTIONS = {
    "interface": (_INT, []),
    "interface_version": (_TEXT, []),
    "interface_mpi": (None, [_TEXT, _SIZE]),
    "interface_start": (_INT, []),
    "interface_stop": (None, []),
    "opened_new": (_INT, [_POINTER, _POINTER, _POINTER, _POINTER]),
    "opened_close": (None, [_POINTER]),
    "opened_free": (None, [_POINTER]),
    "opened_why": (_TEXT, [_POINTER]),
    "opened_note": (_TEXT, [_POINTER]),
    "opened_size": (_SIZE, [_POINTER]),
    "opened_tensors": (_INT, [_POINTER]),
    "opened_tensor_name": (_TEXT, [_POINTER, _INT]),
    "opened_tensor_first": (_SIZE, [_POINTER, _INT]),
    "opened_tensor_shape": (_INT, [_POINTER, _INT, _POINTER]),
    "opened_parameters": (_POINTER, [_POINTER]),
    "opened_set_parameters": (_INT, [_POINTER, _POINTER]),
    "opened_read": (_INT, [_POINTER, _TEXT, _POINTER]),
    "opened_loss": (_INT, [_POINTER, _POINTER]),
    "opened_gradient": (_INT, [_POINTER, _POINTER, _POINTER]),
    "opened_matrix_new": (_INT, [_POINTER, _TEXT, _POINTER, _INT, _POINTER]),
    "opened_matrix_free": (None, [_POINTER]),
    "opened_matrix_size": (_SIZE, [_POINTER]),
    "opened_matrix_blocks": (_INT, [_POINTER]),
    "opened_matrix_block_name": (_TEXT, [_POINTER, _INT]),
    "opened_matrix_block_first": (_SIZE, [_POINTER, _INT]),
    "opened_matrix_block_size": (_SIZE, [_POINTER, _INT]),
    "opened_matrix_index": (None, [_POINTER, _POINTER]),
    "opened_matrix_product": (_INT, [_POINTER, _INT, _POINTER, _POINTER]),
}


class Source(ctypes.Structure):
    """hesse_opened_source"""
    _fields_ = [("file", _TEXT), ("text", _TEXT), ("sets", ctypes.POINTER(_TEXT)),
                ("n_sets", _INT), ("point", _TEXT)]


def texts(words):
    """Return an array of C strings."""
    return (_TEXT * len(words))(*(word.encode() for word in words))


def _folders():
    """Folders that may have the library: those of a wheel, the source tree, an installation, the program."""
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    up = functools.partial(os.path.join, package)
    yield package
    yield up("lib")
    yield up("..", "..", "..", "build")  # the package is tools/python/hesse
    prefixes = [up("..", "..", "..", "..")]  # the package is share/hesse/python/hesse
    program = shutil.which("hesse")
    if program:
        folder = os.path.dirname(os.path.realpath(program))
        yield folder
        prefixes.append(os.path.dirname(folder))
    for prefix in prefixes:
        yield os.path.join(prefix, "lib")
        yield os.path.join(prefix, "lib64")
        yield from sorted(glob.glob(os.path.join(glob.escape(prefix), "lib", "*-*")))


def find():
    """Return the path of the library: $HESSE_LIBRARY, or the first file of _folders()."""
    given = os.environ.get("HESSE_LIBRARY")
    if given:
        return given
    for folder in _folders():
        for name in NAMES:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return os.path.abspath(path)
    raise Failure(INPUT, f"hesse.operator: found no {NAMES[0]} beside the package or the program hesse, "
                         "expected one (build hesse with CMake, or set HESSE_LIBRARY to its path)")


@functools.lru_cache(maxsize=None)
def load():
    """Load the library, start MPI if nobody has, and return the library."""
    path = find()
    try:
        library = ctypes.CDLL(path)
        found = library.hesse_interface()
    except (OSError, AttributeError) as error:
        raise Failure(INPUT, f"{path}: found '{error}', expected the library of hesse.operator") from None
    if found != INTERFACE:
        raise Failure(INPUT, f"{path}: found version {found} of the interface, expected {INTERFACE}")
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, "hesse_" + name)
        function.restype, function.argtypes = result, arguments
    if library.hesse_interface_start():
        atexit.register(library.hesse_interface_stop)
    return library


def handle_of(comm):
    """Return the Fortran handle of a communicator of mpi4py, whose MPI must be that of the library."""
    MPI = need("mpi4py.MPI", "comm")
    if not isinstance(comm, MPI.Comm):
        raise Failure(USAGE, f"comm: found {type(comm).__name__}, expected a communicator of mpi4py")
    room = 8192
    text = ctypes.create_string_buffer(room)
    load().hesse_interface_mpi(text, room)
    own, others = text.value.decode(), MPI.Get_library_version().rstrip("\0")
    if own.strip() != others.strip():
        def first(name):
            return name.strip().splitlines()[0][:60]
        raise Failure(INPUT, f"comm: found mpi4py with {first(others)}, expected the MPI of hesse, "
                             f"{first(own)}")
    return ctypes.c_int(comm.py2f())
