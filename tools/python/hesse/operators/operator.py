"""hesse.operator: a share of the Hessian of a job as a scipy.sparse.linalg.LinearOperator."""
import ctypes
import json
import os
import warnings
import weakref

from ..common import USAGE, Failure, need
from . import library

np = need("numpy", "hesse.operator")
LinearOperator = need("scipy.sparse.linalg", "hesse.operator").LinearOperator


def _plain(value):
    """Return a value of NumPy or a path as JSON has it."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"found {type(value).__name__}, expected a number, a text, a list or a dict")


def _json(value, name):
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise Failure(USAGE, f"{name}: {error}") from None


def _names(blocks):
    if blocks is None:
        return []
    names = [blocks] if isinstance(blocks, str) else list(blocks)
    if not names or not all(isinstance(name, str) for name in names):
        raise Failure(USAGE, f"blocks: found {blocks!r}, expected names or globs of blocks")
    return names


class _Job:
    """An open job. Operators share it; it is freed after the last of them, or by close()."""

    def __init__(self, job, comm, overrides, point):
        self.library = library.load()
        self.matrices = weakref.WeakSet()
        self.pointer = ctypes.c_void_p()
        source = library.Source()
        if isinstance(job, dict):
            source.file, source.text = b"job", _json(job, "job").encode()
        else:
            source.file = os.fsencode(job)
        sets = [f"{key}={_json(value, key)}" for key, value in (overrides or {}).items()]
        source.sets, source.n_sets = library.texts(sets), len(sets)
        source.point = point.encode() if point else None
        handle = None if comm is None else ctypes.byref(library.handle_of(comm))
        why = ctypes.create_string_buffer(library.TEXT)
        with library.lock:
            status = self.library.hesse_opened_new(handle, ctypes.byref(source),
                                                   ctypes.byref(self.pointer), why)
        if status:
            raise Failure(status, why.value.decode(errors="replace"))
        self.size = self.library.hesse_opened_size(self.pointer)
        note = self.library.hesse_opened_note(self.pointer).decode(errors="replace")
        for line in note.splitlines():
            warnings.warn(line, RuntimeWarning, stacklevel=4)

    def call(self, name, pointer, *arguments):
        """Call a function of the library whose first argument is this job or a matrix of it."""
        if not self.pointer or not pointer:
            raise Failure(USAGE, "the operator is closed")
        with library.lock:
            status = getattr(self.library, "hesse_opened_" + name)(pointer, *arguments)
        if status:
            raise Failure(status, self.library.hesse_opened_why(self.pointer).decode(errors="replace"))

    def free(self, collective):
        if not self.pointer:
            return
        for matrix in list(self.matrices):
            matrix.free()
        pointer, self.pointer = self.pointer, ctypes.c_void_p()
        with library.lock:
            if collective:
                self.library.hesse_opened_close(pointer)
            else:
                self.library.hesse_opened_free(pointer)

    def __del__(self):
        if getattr(self, "pointer", None):
            self.free(False)

    def tensors(self):
        """Return {name: (first of the N parameters, shape)}."""
        tensors, shape = {}, (ctypes.c_size_t * 4)()
        for i in range(self.library.hesse_opened_tensors(self.pointer)):
            rank = self.library.hesse_opened_tensor_shape(self.pointer, i, shape)
            name = self.library.hesse_opened_tensor_name(self.pointer, i).decode()
            tensors[name] = (self.library.hesse_opened_tensor_first(self.pointer, i), tuple(shape[:rank]))
        return tensors

    def parameters(self):
        """Return a copy of the N parameters."""
        if not self.pointer:
            raise Failure(USAGE, "the operator is closed")
        address = self.library.hesse_opened_parameters(self.pointer)
        return np.ctypeslib.as_array((ctypes.c_double * self.size).from_address(address)).copy()


class _Matrix:
    """A share of the Hessian of a job, restricted to some blocks."""

    def __init__(self, job, share, blocks):
        self.job, self.pointer = job, ctypes.c_void_p()
        names = _names(blocks)
        job.call("matrix_new", job.pointer, str(share).encode(), library.texts(names), len(names),
                 ctypes.byref(self.pointer))
        job.matrices.add(self)
        get = job.library
        self.size = get.hesse_opened_matrix_size(self.pointer)
        self.slices = {}
        for i in range(get.hesse_opened_matrix_blocks(self.pointer)):
            first = get.hesse_opened_matrix_block_first(self.pointer, i)
            name = get.hesse_opened_matrix_block_name(self.pointer, i).decode()
            self.slices[name] = slice(first, first + get.hesse_opened_matrix_block_size(self.pointer, i))
        self.index = np.empty(self.size, np.uint64)
        get.hesse_opened_matrix_index(self.pointer, self.index.ctypes.data)
        self.index = self.index.astype(np.intp)

    def free(self):
        pointer, self.pointer = self.pointer, ctypes.c_void_p()
        if pointer and self.job.pointer:
            with library.lock:
                self.job.library.hesse_opened_matrix_free(pointer)

    def __del__(self):
        if getattr(self, "pointer", None):
            self.free()


class HessianOperator(LinearOperator):
    """A symmetric matrix of order n: a share of the Hessian of a job, restricted to blocks.

    shape       (n, n); dtype is float64.
    share       the name of the share.
    names       the names of the blocks, in the order of the coordinates.
    slices      {name of a block: slice of its coordinates}.
    tensors     {name of a tensor: (first of its N parameters, shape)} of the whole network.
    index       [n] the index of every coordinate among the N parameters of the network.
    parameters  [n] the present parameters (a copy). Assigning n numbers changes them for all
                operators that share the job; parameters outside of the blocks stay.

    Products with k vectors, such as op @ X for X of shape (n, k), are computed at once.
    With a communicator every method is collective: all ranks call it with the same arguments and
    get the same result. Every rank holds whole vectors, and the work is shared.

    Errors of the methods are hesse.Failure: one line of text, and the exit status of hesse.
    """

    def __init__(self, job, share, blocks):
        self._job, self._blocks, self._matrix = job, blocks, _Matrix(job, share, blocks)
        self.share, self.slices, self.index = share, self._matrix.slices, self._matrix.index
        self.names = list(self.slices)
        self.tensors = job.tensors()
        super().__init__(np.dtype(np.float64), (self._matrix.size, self._matrix.size))

    def _matmat(self, x):
        if np.iscomplexobj(x):
            return self._matmat(x.real) + 1j * self._matmat(x.imag)
        x = np.ascontiguousarray(x, np.float64)
        result = np.empty_like(x)
        if x.shape[1]:
            self._job.call("matrix_product", self._matrix.pointer, x.shape[1], x.ctypes.data,
                           result.ctypes.data)
        return result

    def _matvec(self, x):
        return self._matmat(np.reshape(x, (-1, 1)))[:, 0]

    def _adjoint(self):
        return self

    def _transpose(self):
        return self

    def loss(self):
        """Return the loss at the present parameters."""
        loss = ctypes.c_double()
        self._job.call("loss", self._job.pointer, ctypes.byref(loss))
        return loss.value

    def gradient(self):
        """Return the gradient of the loss with respect to the parameters of the blocks, [n]."""
        gradient = np.empty(self._job.size)
        self._job.call("gradient", self._job.pointer, None, gradient.ctypes.data)
        return gradient[self.index]

    @property
    def parameters(self):
        return self._job.parameters()[self.index]

    @parameters.setter
    def parameters(self, values):
        values = np.asarray(values, np.float64)
        if values.shape != self.index.shape:
            raise Failure(USAGE, f"parameters: found the shape {values.shape}, expected "
                                 f"{self.index.shape}")
        everything = self._job.parameters()
        everything[self.index] = values
        self._job.call("set_parameters", self._job.pointer, everything.ctypes.data)

    def read(self, checkpoint):
        """Return the parameters of the blocks in another checkpoint of the network, [n].

        checkpoint: as model.checkpoint of a job, relative to the working folder.
        """
        values = np.empty(self._job.size)
        self._job.call("read", self._job.pointer, os.fsencode(checkpoint), values.ctypes.data)
        return values[self.index]

    def block(self, name):
        """Return the operator of one block, or of the blocks that a glob matches."""
        return self.select(blocks=name)

    def select(self, share=None, blocks=None):
        """Return another operator of the same job and parameters.

        share: as for hesse.operator; by default that of this operator.
        blocks: names or globs; by default those of this operator.
        """
        return HessianOperator(self._job, self.share if share is None else share,
                               self._blocks if blocks is None else blocks)

    def close(self):
        """Free the memory of this operator and of all that share its job. Collective.

        Without close(), the memory is freed with the last operator of the job, but a copy of the
        communicator is not.
        """
        self._job.free(True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def operator(job, share="hessian", blocks=None, comm=None, set=None, point=None):
    """Open a job and return a share of its Hessian as a HessianOperator.

    job: the path of a job file, or a dict with its keys, whose paths are relative to the
    working folder.
    share: "hessian", "gauss_newton", "functional" or a kind of operators, as in hessian.parts.
    blocks: names or globs of blocks, which the job's hessian.partition makes; by default those
    of hessian.only, which are all blocks by default.
    comm: a communicator of mpi4py, whose ranks share the work; by default this process works alone.
    set: a dict of overrides, such as {"model.seed": 2}.
    point: the name of a point, if the job has a sweep.

    Raises hesse.Failure with one line of text, whose `status` is the exit status of hesse.
    """
    return HessianOperator(_Job(job, comm, set, point), share, blocks)
