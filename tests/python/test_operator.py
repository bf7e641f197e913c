"""hesse.operator: its numbers beside those of `hesse run` and PyTorch, and the laws of operators.

HESSE names the program, HESSE_LIBRARY the library and MPIEXEC the launcher.
"""
import gc
import importlib.util
import json
import os
import re
import subprocess
import sys
import unittest
from unittest import mock

import numpy as np

from common import HERE, HESSE, ROOT, Case, needs

import hesse
from hesse.operators import library

TESTS = os.path.dirname(HERE)
MPIEXEC = os.environ.get("MPIEXEC")
REFERENCE = os.path.join(TESTS, "reference", "gpt2")
GPT2 = {"model": {"family": "gpt2", "config": os.path.join(REFERENCE, "config.json"),
                  "checkpoint": os.path.join(REFERENCE, "model.safetensors")},
        "data": {"tokens": os.path.join(REFERENCE, "tokens.npy")}}
JOBS = {
    "gpt2": GPT2,
    "bert": os.path.join(TESTS, "families", "bert", "job.yaml"),
    "mlp": os.path.join(TESTS, "families", "mlp", "job.yaml"),
    "graph": os.path.join(TESTS, "export", "gpt2", "job.yaml"),
}
ROOT_MAY = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def random(*shape):
    return np.random.default_rng(5).standard_normal(shape)


def whole(op):
    return op @ np.eye(op.shape[0])


def read_safetensors(path):
    """Return {name: array} of double precision."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], np.float64).reshape(entry["shape"])
            for name, entry in header.items()}


def has_library():
    try:
        return importlib.util.find_spec("scipy") and library.find()
    except hesse.Failure:
        return False


@unittest.skipUnless(has_library(), "skipped: no scipy or no libhesse_operator")
class Operator(Case):
    def near(self, found, expected, tolerance):
        """Compare arrays relative to the largest number of the expected one."""
        found, expected = np.asarray(found), np.asarray(expected)
        self.assertEqual(found.shape, expected.shape)
        self.assertGreater(np.abs(expected).max(), 0)
        self.assertLessEqual(np.abs(found - expected).max(), tolerance * np.abs(expected).max())

    def failure(self, status, text, function, *arguments, **words):
        with self.assertRaises(hesse.Failure) as caught:
            function(*arguments, **words)
        self.assertEqual(caught.exception.status, status)
        self.assertIn(text, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))

    def run_hesse(self, job):
        """Run a job with both shares and return its result file."""
        import h5py

        path = job
        if isinstance(job, dict):
            path = self.write("job.json", json.dumps(job))
        result = self.path("result.h5")
        subprocess.run([HESSE, "run", path, "--set", "hessian.scope=both", "--set",
                        "hessian.parts=[hessian, gauss_newton]", "--output", result, "--force"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={**os.environ, **ROOT_MAY})
        file = h5py.File(result)
        self.addCleanup(file.close)
        return file

    @unittest.skipUnless(HESSE, "skipped: HESSE does not name the program")
    @needs("h5py")
    def test_spectra_are_those_of_hesse_run(self):
        from scipy.sparse.linalg import eigsh
        for name, job in JOBS.items():
            with self.subTest(name), hesse.operator(job) as op:
                file = self.run_hesse(job)
                full = file["spectra/full/eigenvalues"][:]
                start = random(op.shape[0])
                self.assertEqual(len(full), op.shape[0])
                self.assertLess(abs(op.loss() / file.attrs["loss"] - 1), 1e-13)
                self.near(op.gradient(), file["gradient"][:], 1e-12)
                self.near(np.linalg.eigvalsh(whole(op)), full, 1e-8)
                scale = np.abs(full).max()
                for which, expected in ("LA", full[-3:]), ("SA", full[:3]):
                    found = np.sort(eigsh(op, 3, which=which, v0=start, tol=1e-10,
                                          return_eigenvectors=False))
                    self.assertLess(np.abs(found - expected).max(), 1e-8 * scale)
                gauss_newton = op.select(share="gauss_newton")
                expected = file["parts/gauss_newton/spectra/full/eigenvalues"][:]
                self.near(np.linalg.eigvalsh(whole(gauss_newton)), expected, 1e-8)
                self.near(eigsh(gauss_newton, 2, v0=start, tol=1e-10, return_eigenvectors=False),
                          expected[-2:], 1e-8)
                block = file["blocks/name"].asstr()[0]
                one = op.block(block)
                self.assertEqual(one.names, [block])
                expected = file[f"spectra/blocks/{block}/eigenvalues"][:]
                self.near(np.linalg.eigvalsh(whole(one)), expected, 1e-8)

    def test_spectrum_of_a_graph_is_that_of_torch(self):
        with open(os.path.join(TESTS, "export", "gpt2", "reference.json"), encoding="utf-8") as file:
            reference = json.load(file)
        with hesse.operator(JOBS["graph"]) as op:
            self.assertLess(abs(op.loss() / reference["loss"] - 1), 1e-12)
            self.assertLess(abs(np.linalg.norm(op.gradient()) / reference["gradient_norm"] - 1), 1e-12)
            self.near(np.linalg.eigvalsh(whole(op)), np.sort(reference["eigenvalues"]), 1e-10)

    def test_numbers_are_those_of_torch(self):
        """The references list the parameters by the names of the tensors."""
        for name in "bert", "mlp", "vgg_bn", "linear_transformer":
            folder = os.path.join(TESTS, "families", name)
            reference = read_safetensors(os.path.join(folder, "reference.safetensors"))
            with self.subTest(name), hesse.operator(os.path.join(folder, "job.yaml")) as op:
                n = op.shape[0]
                order = np.concatenate([np.arange(n)[op.slices[name]] for name in sorted(op.names)])
                self.near(op.gradient()[order], reference["gradient"], 1e-12)
                for share in "hessian", "gauss_newton":
                    columns = np.arange(8) * (n - 1) // 7
                    units = np.zeros((n, 8))
                    units[order[columns], np.arange(8)] = 1
                    self.near((op.select(share) @ units)[order].T, reference[share], 1e-12)

    def test_conjugate_gradients(self):
        from scipy.sparse.linalg import LinearOperator, aslinearoperator, cg
        for name in "gpt2", "graph":
            with self.subTest(name), hesse.operator(JOBS[name], "gauss_newton") as op:
                n, damping, b = op.shape[0], 0.01, op.gradient()
                matrix = whole(op) + damping * np.eye(n)
                damped = op + damping * aslinearoperator(np.eye(n))
                diagonal = np.diagonal(matrix)
                preconditioner = LinearOperator((n, n), lambda x: np.ravel(x) / diagonal)
                for m in None, preconditioner:
                    x, unfinished = cg(damped, b, M=m, atol=1e-12 * np.linalg.norm(b), maxiter=10 * n)
                    self.assertEqual(unfinished, 0)
                    self.near(matrix @ x, b, 1e-4)
                self.near(np.linalg.solve(matrix, b), x, 1e-2)

    def test_it_is_a_symmetric_operator(self):
        for name, job in JOBS.items():
            with self.subTest(name), hesse.operator(job) as op:
                n = op.shape[0]
                self.assertEqual((op.shape, op.dtype), ((n, n), np.float64))
                x = random(n, 30)
                y = op @ x
                self.near(np.stack([op @ x[:, i] for i in range(30)], axis=1), y, 1e-12)
                self.near(op.matvec(x[:, :1]), y[:, :1], 1e-12)
                self.near(op.rmatvec(x[:, 0]), y[:, 0], 1e-12)
                self.near(op.T @ np.asfortranarray(x), y, 1e-12)
                self.near(op.H.matmat(x.astype(np.float32).astype(np.float64)), op @ x.astype(np.float32),
                          1e-12)
                self.near(op @ (x[:, 0] + 2j * x[:, 1]), y[:, 0] + 2j * y[:, 1], 1e-12)
                self.near((2 * op + op @ op) @ x[:, 0], 2 * y[:, 0] + op @ y[:, 0], 1e-12)
                self.assertEqual((op @ np.empty((n, 0))).shape, (n, 0))
                matrix = whole(op)
                self.near(matrix, matrix.T, 1e-12)

    def test_columns_are_multiplied_at_once(self):
        with hesse.operator(GPT2) as op:
            with mock.patch.object(op._job, "call", wraps=op._job.call) as call:
                op @ random(op.shape[0], 30)
            self.assertEqual([(given.args[0], given.args[2]) for given in call.call_args_list],
                             [("matrix_product", 30)])

    def test_shares_add_up(self):
        with hesse.operator(GPT2) as op:
            x = random(op.shape[0])
            parts = [op.select(share) @ x for share in ("gauss_newton", "functional")]
            self.near(sum(parts), op @ x, 1e-12)
            self.assertGreater(np.abs(parts[1]).max(), 0)

    def test_blocks_are_parts_of_the_whole(self):
        for name, cut in ("gpt2", "tensor"), ("gpt2", "head"), ("bert", "neuron"), ("mlp", "whole"):
            with self.subTest(name, cut=cut), hesse.operator(JOBS[name], set={"hessian.partition": cut}) as op:
                matrix, gradient, n = whole(op), op.gradient(), op.shape[0]
                self.assertEqual(sorted(op.index), list(range(n)))
                self.assertEqual([s.stop for s in op.slices.values()][-1], n)
                for block in op.names[::7]:
                    one, own = op.block(block), op.slices[block]
                    self.near(whole(one) + 1, matrix[own, own] + 1, 1e-12)
                    self.near(one.gradient() + 1, gradient[own] + 1, 1e-12)
                    self.assertEqual(list(one.index), list(op.index[own]))
                two = op.select(blocks=[op.names[-1], op.names[0]])
                self.assertEqual(two.names, list(dict.fromkeys([op.names[0], op.names[-1]])))
                self.assertEqual(two.select("gauss_newton").names, two.names)

    def test_only_of_the_job_is_the_default(self):
        with hesse.operator({**GPT2, "hessian": {"only": ["*ln_1*"]}}) as op:
            self.assertEqual(op.names, [name for name in op.tensors if "ln_1" in name])
            self.assertLess(op.shape[0], sum(np.prod(shape) for _, shape in op.tensors.values()))

    def test_gradient_is_the_derivative_of_the_loss(self):
        for name, job in JOBS.items():
            with self.subTest(name), hesse.operator(job) as op:
                theta, v, step = op.parameters, random(op.shape[0]), 1e-5
                v /= np.linalg.norm(v)
                product, along, loss = op @ v, op.gradient() @ v, op.loss()
                gradients, losses = [], []
                for sign in 1, -1:
                    op.parameters = theta + sign * step * v
                    gradients.append(op.gradient())
                    losses.append(op.loss())
                self.assertLess(abs((losses[0] - losses[1]) / (2 * step) - along), 1e-8)
                self.near((gradients[0] - gradients[1]) / (2 * step), product, 1e-6)
                op.parameters = theta
                self.assertEqual(op.loss(), loss)
                self.near(op @ v, product, 1e-15)

    def test_parameters_of_a_block(self):
        with hesse.operator(GPT2) as op:
            before, block = op.parameters, op.block(op.names[3])
            other = block.parameters + 1
            block.parameters = other
            expected = before.copy()
            expected[op.slices[op.names[3]]] = other
            self.assertTrue(np.array_equal(op.parameters, expected))
            loss, product = op.loss(), op @ expected
            with hesse.operator(GPT2) as again:
                again.parameters = expected
                self.assertEqual(again.loss(), loss)
                self.near(again @ expected, product, 1e-15)
            block.parameters = block.read(GPT2["model"]["checkpoint"])
            self.assertTrue(np.array_equal(op.parameters, before))

    def test_overrides_and_seeds(self):
        job = {"model": {"family": "mlp", "widths": [4], "seed": np.int64(3)},
               "data": {"generator": "clusters", "seed": 2, "sequences": 8}}
        with hesse.operator(job) as first, hesse.operator(job, set={"model.seed": 4}) as second, \
                hesse.operator(job, set={"model": {"seed": 4}, "hessian.reduction": "sum"}) as third:
            self.assertNotEqual(first.loss(), second.loss())
            self.assertTrue(np.array_equal(second.parameters, third.parameters))
            self.assertGreater(abs(third.loss() / second.loss() - 1), 1)

    def test_points_of_a_sweep(self):
        job = {"model": {"family": "mlp", "widths": [4]},
               "sweep": {"model": {"seed": [1, 2]}},
               "data": {"generator": "clusters", "sequences": 8}}
        self.failure(2, "'sweep' has 2 points", hesse.operator, job)
        with hesse.operator(job, point="seed-2") as op:
            job.pop("sweep")
            with hesse.operator(job, set={"model.seed": 2}) as expected:
                self.assertEqual(op.loss(), expected.loss())

    def test_memory_is_given_back(self):
        op = hesse.operator(GPT2)
        other = op.block(op.names[0])
        del op
        gc.collect()
        self.assertGreater(other.loss(), 0)
        other.close()
        other.close()
        for use in other.loss, other.gradient, lambda: other.parameters, lambda: whole(other), \
                lambda: other.block("*"):
            self.failure(2, "the operator is closed", use)

    def test_errors_are_one_line(self):
        self.failure(2, "none.yaml: cannot be opened", hesse.operator, "none.yaml")
        self.failure(2, "'vocabulary_size' in 'model'", hesse.operator,
                     {**GPT2, "model": {**GPT2["model"], "vocabulary_size": 3}})
        self.failure(3, "none.safetensors", hesse.operator, GPT2,
                     set={"model.checkpoint": "none.safetensors"})
        self.failure(2, "found set, expected a number", hesse.operator, GPT2, set={"model.seed": {1}})
        if importlib.util.find_spec("mpi4py"):
            self.failure(2, "found int, expected a communicator", hesse.operator, GPT2, comm=0)
        self.failure(2, "expected names or globs", hesse.operator, GPT2, blocks=[])
        self.failure(2, "the nearest is 'gauss_newton'", hesse.operator, GPT2, "gaussnewton")
        with hesse.operator(GPT2) as op:
            n = op.shape[0]
            self.failure(2, "the nearest name is", op.block, "transformer.wte.weights")
            self.failure(5, "element 1 of vector 0 is nan", op.matvec, np.array([0, np.nan] + [0] * (n - 2)))
            self.failure(3, "none.safetensors", op.read, "none.safetensors")
            with self.assertRaises(ValueError):
                op.matvec(np.zeros(n + 1))
            with self.assertRaises(hesse.Failure):
                op.parameters = np.zeros(n - 1)
            op.parameters = np.full(n, 1e308)
            self.failure(5, "finite", op.loss)

    def python(self, *words, ranks=None, **environment):
        """Run Python with the package, under the launcher if `ranks` is given."""
        launcher = [MPIEXEC, "-n", str(ranks)] if ranks else []
        folder = os.path.join(ROOT, "tools", "python")
        return subprocess.run([*launcher, sys.executable, *words], capture_output=True, text=True,
                              timeout=300, env={**os.environ, **ROOT_MAY, "PYTHONPATH": folder,
                                                **environment})

    def test_a_wrong_library_is_one_line(self):
        code = "import hesse\ntry: hesse.operator('job.yaml')\nexcept hesse.Failure as e: print(e)"
        wrong = self.write("libhesse_operator.so", "no library")
        for path, text in (wrong, "expected the library"), (self.path("none.so"), "none.so"):
            done = self.python("-c", code, HESSE_LIBRARY=path)
            self.assertEqual((done.returncode, done.stderr, done.stdout.count("\n")), (0, "", 1), done)
            self.assertIn(text, done.stdout)

    @unittest.skipUnless(HESSE and MPIEXEC, "skipped: HESSE or MPIEXEC is not set")
    def test_programs_can_be_started_from_the_process(self):
        """MPI has started in this process. Ranks that it launches are not misled by that."""
        with hesse.operator(GPT2) as op:
            self.assertGreater(op.loss(), 0)
            for words in [HESSE], [MPIEXEC, "-n", "2", HESSE]:
                done = subprocess.run([*words, "info"], capture_output=True, text=True, timeout=60,
                                      env={**os.environ, **ROOT_MAY})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, rf"\nranks +{len(words) // 3 + 1}\n")

    @unittest.skipUnless(MPIEXEC, "skipped: MPIEXEC does not name the launcher")
    @needs("mpi4py")
    def test_ranks_share_the_work(self):
        done = self.python(os.path.join(HERE, "operator_on_ranks.py"), ranks=2)
        if "expected the MPI of hesse" in done.stdout:
            self.skipTest("skipped: mpi4py has another MPI than hesse")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("ok"), 2, done.stdout + done.stderr)


@unittest.skipUnless(has_library(), "skipped: no scipy or no libhesse_operator")
class Examples(Case):
    def test_examples_of_the_document_run(self):
        with open(os.path.join(ROOT, "docs", "operator.md"), encoding="utf-8") as file:
            text = file.read()
        examples = [example for example in re.findall(r"^```python\n(.*?)^```$", text,
                                                      re.MULTILINE | re.DOTALL)
                    if "import hesse" in example]
        self.assertEqual(len(examples), 3)
        self.write("job.yaml", json.dumps(GPT2))
        os.symlink(os.path.join(ROOT, "tools", "python", "hesse"), self.path("hesse"))
        for example in examples:
            launcher = []
            if "mpi4py" in example:
                if not MPIEXEC or not importlib.util.find_spec("mpi4py"):
                    continue
                launcher = [MPIEXEC, "-n", "2"]
            done = subprocess.run([*launcher, sys.executable, self.write("script.py", example)],
                                  capture_output=True, text=True, timeout=300, cwd=self.folder,
                                  env={**os.environ, **ROOT_MAY})
            if launcher and "expected the MPI of hesse" in done.stderr:
                continue
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
            self.assertIn("the ", done.stdout)
            was = re.search("the loss was (.*) and is (.*)", done.stdout)
            if was:
                self.assertLess(float(was[2]), float(was[1]))


if __name__ == "__main__":
    unittest.main()
