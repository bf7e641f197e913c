"""Tests of hesse.open: files of both schemas, every measure again, comparisons.

The program named by HESSE makes the files. Laws and faults: numbers are compared with h5py's, with
NumPy's eigenvalues, and with files in which one number was changed.
"""
import contextlib
import importlib.util
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

from common import HESSE, ROOT, Case, needs

try:
    import h5py
    import numpy as np
    import hesse
    from hesse.common import Failure
    from hesse.results import Missing, Result, Table
    from hesse.results import recompute as again
except ImportError as error:  # the tests are skipped
    hesse = None
    WITHOUT = f"skipped: {error}"

if hesse is None:
    raise unittest.SkipTest(WITHOUT)

OUTPUT = os.path.join(ROOT, "tests", "output")
DISTANCES = ["js", "js_distance", "js_raw", "js_log", "wasserstein"]
GPT2 = {
    "model": {"family": "gpt2", "layers": 1, "heads": 2, "width": 4, "inner": 4, "seed": 1},
    "data": {"generator": "addition", "sequences": 4, "seed": 1},
    "hessian": {"scope": "both", "partition": "tensor",
                "parts": ["hessian", "gauss_newton", "functional"]},
    "spectrum": {"eigenvectors": 2, "density": {"points": 200}},
    "measures": {"tail": True, "index": [-0.01, 0.1]},
    "metrics": {"distance": DISTANCES},
    "output": {"matrices": True},
}
TRAIN = {"steps": 6, "batch": 2, "learning_rate": 0.01, "stages": ["init", 3, 6],
         "evaluate": {"every": 3, "sequences": 2}}
# Every measure that a test has to see recomputed.
EXACT = {
    "trace", "frobenius", "min", "max", "condition", "robust_condition", "negative_mass",
    "effective_rank", "trace_per_parameter", "gradient_norm", "noise_floor", "check_trace",
    "check_frobenius", "tail_exponent", "tail_minimum", "tail_count", "tail_distance", "density",
    "inverse_participation", "coupling", "index below", "dominance of the matrix",
    "trace of the matrix", "eigenvalues of the matrix", "residuals of the matrix", *DISTANCES,
    *(f"{name} js0" for name in DISTANCES)}
OF_A_SERIES = {"series trace", "series full trace", "series js0", "series overlap", "series loss",
                  "series gradient_norm", "series block_gradient_norm"}
FOLDER = None


def made(name):
    return os.path.join(FOLDER.name, name)


def job(**sections):
    return {**{name: dict(section) for name, section in GPT2.items()}, **sections}


def setUpModule():
    """Make a file of every kind; a second of computation each."""
    global FOLDER
    if not HESSE:
        return
    FOLDER = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(FOLDER.cleanup)

    def run(name, content, **more):
        hesse.run(content, output=made(name), **more).close()

    run("exact.h5", job())
    run("small.h5", job(model={"family": "mlp", "widths": [3], "seed": 3},
                        data={"generator": "clusters", "features": 4, "classes": 3,
                              "sequences": 8}))
    run("scaled.h5", job(measures={"scaling": {"name": "gradient"}},
                         spectrum={"density": {"points": 50, "scale": "tenth", "bandwidth": 0.1,
                                               "absolute": True}}))
    estimated = job(output={}, measures={})
    estimated["hessian"] = {"scope": "both", "method": "lanczos"}
    estimated["spectrum"] = {"lanczos": {"steps": 12, "probes": 3}, "density": {"points": 200}}
    run("lanczos.h5", estimated)
    run("extreme.h5", estimated, set={"spectrum.extreme.pairs": 2, "spectrum.eigenvectors": 1,
                                      "spectrum.hutchinson.probes": 4,
                                      "spectrum.density.scale": "tenth"})
    run("paper.h5", estimated, set={"spectrum.lanczos.procedure": "paper",
                                    "spectrum.density.points": 2000})
    hesse.run(job(train=TRAIN), output=made("training"), command="train").close()
    run("series.h5", job(output={}), set={
        "model.checkpoints": [made("training/stage-*.safetensors")]})
    run("seed2.h5", job(), set={"model.seed": 2})
    run("only.h5", job(), set={"hessian.only": ["*mlp*"], "hessian.scope": "blocks"})
    run("sweep.h5", {**job(output={}, measures={}),
                     "hessian": {"scope": "blocks", "repeats": 2},
                     "sweep": {"model": {"width": [2, 4]}}})
    run("theory.h5", {"model": {"family": "quadratic", "widths": [2, 3], "seed": 5,
                                "eigenvalues": [1, 3, 20, 30, 70]}, "theory": {"draws": 4}},
        command="theory")
    run("landscape.h5", {**job(output={}, measures={}),
                         "landscape": {"points": 5, "directions": ["random", "gradient"]}},
        command="landscape")


@needs("numpy", "h5py")
class SchemaOne(Case):
    """Files of version 0.1, which stand in tests/output."""

    def test_exact(self):
        path = os.path.join(OUTPUT, "schema_1_exact.h5")
        with hesse.open(path) as r, h5py.File(path) as f:
            self.assertEqual((r.kind, r.schema_version), ("result", 1))
            self.assertEqual(f.userblock_size, 512)
            self.assertEqual(r.blocks.index, ["layers.0.weight", "layers.0.bias"])
            np.testing.assert_array_equal(r.blocks["check_trace"], f["blocks/proof_trace"][()])
            self.assertNotIn("proof_trace", r.blocks)
            self.assertEqual(r.full.measures["check_symmetry"],
                             f["spectra/full/proof_symmetry"][()])
            self.assertEqual(r.loss, f.attrs["loss"])
            self.assertIn("family: mlp", r.job)
            self.assertLess(r.check(1e-12), 1e-12)
            self.assertIn("check_trace", set(r.recompute().index))

    def test_estimated(self):
        with hesse.open(os.path.join(OUTPUT, "schema_1_lanczos.h5")) as r:
            self.assertTrue(r.full.estimated)
            self.assertFalse(r.block("layers.0.bias").computed)
            self.assertEqual(r.full.nodes.shape, r.full.weights.shape)
            self.assertLess(r.check(1e-12), 1e-12)
            self.assertEqual(r.metrics.keys() if "metrics" in r else [], [])
            with self.assertRaisesRegex(Missing, "nodes"):
                r.full.eigenvalues

    @needs("xarray")
    def test_xarray(self):
        with hesse.open(os.path.join(OUTPUT, "schema_1_exact.h5")) as r:
            self.assertEqual(r.metrics.js.dims, ("block", "other_block"))
            self.assertEqual(list(r.metrics.js.block.values), r.blocks.index)
            self.assertEqual(dict(r.to_xarray().sizes)["parameter"], 6)


@unittest.skipUnless(HESSE, "skipped: no HESSE")
class View(Case):
    def open(self, name):
        file = hesse.open(made(name))
        self.addCleanup(file.close)
        return file

    def test_blocks_and_spectra(self):
        r = self.open("exact.h5")
        with h5py.File(made("exact.h5")) as f:
            names = [name.decode() for name in f["blocks/name"][()]]
            self.assertEqual(r.blocks.index, names)
            np.testing.assert_array_equal(r.blocks["trace"], f["blocks/trace"][()])
            self.assertEqual(r.blocks.units["trace"], "loss / parameter^2")
            for spectrum, name in zip(r, names):
                np.testing.assert_array_equal(spectrum.eigenvalues,
                                              f[f"spectra/blocks/{name}/eigenvalues"][()])
                self.assertEqual(len(spectrum.gradient), spectrum.size)
                self.assertAlmostEqual(float(np.linalg.norm(spectrum.gradient)),
                                       spectrum.measures["gradient_norm"], 12)
            self.assertIsInstance(r.matrix, h5py.Dataset)
            block = r.block("*.weight.query")
            at = slice(block.offset, block.offset + block.size)
            np.testing.assert_array_equal(block.matrix[...], r.matrix[at, at])
            np.testing.assert_allclose(np.linalg.eigvalsh(block.matrix[...]), block.eigenvalues,
                                       atol=1e-12 * np.abs(block.eigenvalues).max())
            v = block.eigenvectors
            self.assertEqual(v.shape, (4, block.size))
            np.testing.assert_allclose(v @ v.T, np.eye(4), atol=1e-10)
        density = r.full.density()
        self.assertAlmostEqual(float(density.values.sum() * density.settings["step"]), 1, 12)
        self.assertIsNone(density.standard_error)
        self.assertEqual([s.name for s in r.find("*.c_attn.weight.*")],
                         [f"transformer.h.0.attn.c_attn.weight.{x}"
                          for x in ("query", "key", "value")])

    def test_shares_add_up(self):
        r = self.open("exact.h5")
        self.assertEqual(sorted(r.parts), ["functional", "gauss_newton"])
        parts = r.parts["gauss_newton"], r.parts["functional"]
        self.assertEqual(parts[0].blocks.index, r.blocks.index)
        self.assertIsInstance(parts[0], Result)
        np.testing.assert_allclose(parts[0].matrix[...] + parts[1].matrix[...], r.matrix[...],
                                   atol=1e-12 * np.abs(r.matrix[...]).max())
        self.assertGreater(parts[0].full.eigenvalues[0], -1e-10)  # positive semi-definite
        self.assertEqual(parts[0].loss, r.loss)
        np.testing.assert_array_equal(parts[0].gradient, r.gradient)

    def test_estimated(self):
        r = self.open("lanczos.h5")
        full = r.full
        self.assertTrue(full.estimated and not full.exact)
        np.testing.assert_allclose(full.weights.sum(axis=1), 1, atol=1e-12)
        values, masses = full.atoms()
        self.assertTrue((np.diff(values) >= 0).all())
        self.assertAlmostEqual(float(masses.sum()), 1, 12)
        self.assertEqual(full.density().standard_error.shape, full.density().grid.shape)

    def test_series(self):
        s = self.open("series.h5")
        self.assertEqual((s.kind, s.steps), ("series", [0, 3, 6]))
        self.assertEqual(list(s.series["step"]), s.steps)
        for at, step in enumerate(s.steps):
            one = s.at(step)
            self.assertEqual(one.loss, s.series["loss"][at])
            np.testing.assert_array_equal(one.blocks["trace"], s.series["trace"][at])
            np.testing.assert_array_equal(one.parts["gauss_newton"].blocks["trace"],
                                          s.series["parts"]["gauss_newton"]["trace"][at])
        self.assertGreater(s.at(0).loss, s.at(6).loss)
        with self.assertRaisesRegex(Missing, "expected one of 0, 3, 6"):
            s.at(4)

    def test_log_sweep_theory_landscape(self):
        log = self.open("training/log.h5").log
        self.assertEqual(list(log["step"]), list(range(6)))
        self.assertEqual(len(log["evaluate"]["loss"]), len(log["evaluate"]["step"]))
        self.assertEqual(log.axes("gradient_norm"), ["step", "parameter_tensor"])
        self.assertEqual(log.units("gradient_norm"), "loss / parameter")
        sweep = self.open("sweep.h5").sweep
        self.assertEqual(list(sweep["label"]), ["2", "4"])
        losses = sweep["loss"].reshape(2, 2).mean(axis=1)
        np.testing.assert_allclose(sweep["loss_mean"], losses, rtol=1e-14)
        theory = self.open("theory.h5").theory
        self.assertEqual(float(theory["condition"]), 70)
        np.testing.assert_allclose(theory["condition_ratio"] * 70,
                                   theory["preconditioned_condition"])
        land = self.open("landscape.h5")
        self.assertEqual(land.landscape["loss"].shape, (5, 5))
        middle = land.landscape["loss"][2, 2]
        self.assertAlmostEqual(land.landscape["loss"].max() - middle, land.landscape["rise"], 12)
        with hesse.open(made("exact.h5")) as r:
            self.assertAlmostEqual(r.loss, middle, 12)
        self.assertEqual(list(land.landscape["direction"]), ["random", "gradient"])
        with self.assertRaisesRegex(Missing, "kind landscape"):
            land.log
        with self.assertRaisesRegex(Missing, "found no blocks"):
            land.blocks

    def test_text_of_every_kind(self):
        for name in ("exact", "lanczos", "series", "training/log", "sweep", "theory", "landscape"):
            r = self.open(f"{name}.h5")
            self.assertIn(r.kind, repr(r))
            self.assertIn(os.path.basename(name), r._repr_html_())
            r.close()
            self.assertIn("closed", repr(r))
        self.assertIn("transformer.wte.weight", repr(self.open("exact.h5")))

    def test_names_are_escaped_in_html(self):
        table = Table("block", ["</td><script>"], {"a": np.array([1.5])})
        self.assertNotIn("<script>", table._repr_html_())

    def test_nothing_is_read_before_it_is_asked_for(self):
        with mock.patch("hesse.results.view.read", side_effect=AssertionError), \
                mock.patch("hesse.results.reading.read", side_effect=AssertionError):
            r = self.open("exact.h5")
            self.assertEqual(r.kind, "result")
            self.assertEqual(sorted(r.parts), ["functional", "gauss_newton"])
            self.assertEqual(len(r.matrix.shape), 2)

    def test_names_that_are_missing(self):
        r = self.open("exact.h5")
        for call, words in ((lambda: r.block("nothing"), "found 0 blocks"),
                            (lambda: r.block("*.c_attn.*"), "found 6 blocks"),
                            (lambda: r.sweep, "found no sweep"),
                            (lambda: r.full.nodes, "expected one of .*eigenvalues"),
                            (lambda: r.metrics["jss"], "expected one of coupling, js"),
                            (lambda: self.open("lanczos.h5").matrix, "output.matrices"),
                            (lambda: self.open("only.h5").full, "hessian.scope")):
            with self.assertRaisesRegex(Missing, words):
                call()
        self.assertFalse(hasattr(r.metrics, "jss"))
        self.assertEqual(r.metrics.get("jss", 5), 5)

    def test_wrong_files(self):
        with open(self.path("text"), "w") as file:
            file.write("no HDF5")
        with h5py.File(self.path("other.h5"), "w") as file:
            file["a"] = 1
        shutil.copy(made("exact.h5"), self.path("future.h5"))
        with h5py.File(self.path("future.h5"), "r+") as file:
            file.attrs["schema_version"] = 3
        for name, words in (("none.h5", "no such file"), ("text", "expected an HDF5 file"),
                            ("other.h5", "found no schema_version"),
                            ("future.h5", "found 3 schema_version")):
            with self.assertRaisesRegex(Failure, words) as caught:
                hesse.open(self.path(name))
            self.assertEqual(caught.exception.status, 3)
            self.assertNotIn("\n", str(caught.exception))

    def test_packages_that_are_missing(self):
        r = self.open("exact.h5")
        with mock.patch.dict(sys.modules, {"xarray": None, "pandas": None}):
            with self.assertRaisesRegex(Failure, "pip install xarray"):
                r.metrics.js
            with self.assertRaisesRegex(Failure, "pip install xarray"):
                r.to_xarray()
            with self.assertRaisesRegex(Failure, "pip install pandas"):
                r.blocks.to_pandas()
            self.assertEqual(r.metrics["js"].shape, (len(r.blocks),) * 2)

    @needs("pandas")
    def test_pandas(self):
        frame = self.open("exact.h5").blocks.to_pandas()
        self.assertEqual(frame.index.name, "block")
        self.assertEqual(frame.loc["transformer.wte.weight", "size"], 12 * 4)
        self.assertEqual(frame.attrs["units"]["trace"], "loss / parameter^2")

    @needs("xarray")
    def test_xarray(self):
        import xarray
        r = self.open("exact.h5")
        js = r.metrics.js
        self.assertEqual(js.dims, ("block", "other_block"))
        self.assertEqual(js.attrs["units"], "nat")
        np.testing.assert_array_equal(js.values, r.metrics["js"])
        self.assertEqual(float(js.sel(block="transformer.wte.weight")[0]), r.metrics["js"][0, 0])
        whole = r.to_xarray()
        with h5py.File(made("exact.h5")) as f:
            rows = whole.hessian[5:1:-2, 3]
            np.testing.assert_array_equal(rows.values, f["hessian/full"][()][5:1:-2, 3])
            np.testing.assert_array_equal(whole.hessian[[4, 1], [2, 0]].values,
                                          f["hessian/full"][()][np.ix_([4, 1], [2, 0])])
        self.assertEqual(list(whole.block.values), r.blocks.index)
        self.assertIsInstance(whole, xarray.Dataset)
        series = self.open("series.h5").to_xarray()
        self.assertEqual(list(series.step.values), [0, 3, 6])
        self.assertEqual(series.trace.dims, ("series_step", "block"))
        self.assertEqual(self.open("landscape.h5").to_xarray().loss.dims, ("x", "y"))

    @needs("xarray")
    def test_engines_of_xarray(self):
        r = self.open("exact.h5")
        own = r.to_xarray("blocks")
        for engine, module in (("netcdf4", "netCDF4"), ("h5netcdf", "h5netcdf")):
            try:
                library = importlib.import_module(module)
            except ImportError:
                continue
            # Version 4.9.0 of the library netCDF ends the process when it reads texts.
            if getattr(library, "__netcdf4libversion__", "4.9.2") < "4.9.2":
                continue
            with r.to_xarray("blocks", engine=engine) as theirs:
                for name in ("trace", "min", "size"):
                    np.testing.assert_array_equal(theirs[name], own[name])
                self.assertEqual(theirs.trace.dims, own.trace.dims)


@unittest.skipUnless(HESSE, "skipped: no HESSE")
class Recompute(Case):
    def test_every_file_agrees(self):
        for name in ("exact", "scaled", "lanczos", "extreme", "paper", "series", "only"):
            with self.subTest(name), hesse.open(made(f"{name}.h5")) as r:
                table = r.recompute()
                self.assertLess(table.check(1e-11), 1e-11)
                self.assertIn("worst relative difference", repr(table))

    def test_every_measure_is_there(self):
        with hesse.open(made("exact.h5")) as r:
            self.assertEqual(EXACT - set(r.recompute().index), set())
            without = set(r.recompute(matrices=False).index)
            self.assertNotIn("coupling", without)
            self.assertIn("trace", without)
        with hesse.open(made("series.h5")) as r:
            self.assertEqual(OF_A_SERIES - set(r.recompute().index), set())
        with hesse.open(made("scaled.h5")) as r:
            self.assertIn("condition_ratio", set(r.recompute().index))
        with hesse.open(made("lanczos.h5")) as r:
            self.assertIn("trace_error", set(r.recompute().index))
            self.assertIn("density standard_error", set(r.recompute().index))

    def broken(self, source, place, change, index=None):
        """Change a number in a copy of a file; check() fails. Return what differs then."""
        path = self.path("broken.h5")
        shutil.copy(made(source), path)
        with h5py.File(path, "r+") as f:
            values = f[place][()]
            if index is None and values.ndim:
                index = np.unravel_index(int(np.argmax(np.abs(np.nan_to_num(values)))), values.shape)
            if index is None:
                values = change(values)
            else:
                values[index] = change(values[index])
            f[place][...] = values
        with hesse.open(path) as r:
            table = r.recompute()
            with self.assertRaises(Failure) as caught:
                table.check()
            self.assertEqual(caught.exception.status, 5)
            self.assertNotIn("\n", str(caught.exception))
            return [f"{row['where']}: {name}" for name, row in table.rows() if row["relative"] > 1e-9]

    def test_a_changed_number_is_found(self):
        name = "layers.0.weight"

        def more(x):
            return x * (1 + 1e-6)

        def other(x):
            return x + 1e-4 * max(abs(x), 1) if math.isfinite(x) else 1

        with hesse.open(made("small.h5")) as r:
            at = r.blocks.index.index(name)
            columns = [c for c in r.blocks if r.blocks[c].dtype.kind == "f" and c not in (
                "seconds", "check_trace", "check_frobenius", "check_symmetry", "trace_error",
                "frobenius_error")]
        for column in columns:
            with self.subTest(column):
                measure = "dominance of the matrix" if column == "dominance" else column
                self.assertIn(f"{name}: {measure}",
                              self.broken("small.h5", f"blocks/{column}", other, at))
        wte = "transformer.wte.weight"
        for source, place, line in (
                ("small", "metrics/js", "metrics: js"),
                ("small", "metrics/js_log", "metrics: js_log"),
                ("small", "metrics/wasserstein", "metrics: wasserstein"),
                ("small", "metrics/coupling", "metrics: coupling"),
                ("small", f"spectra/blocks/{name}/density/values", f"{name}: density"),
                ("small", "spectra/full/effective_rank", "(full): effective_rank"),
                ("small", "spectra/full/inverse_participation", "(full): inverse_participation"),
                ("small", "hessian/full", "(full): eigenvalues of the matrix"),
                ("small", "gradient", "(full): gradient_norm"),
                ("small", "parts/functional/spectra/full/frobenius",
                 "functional: (full): frobenius"),
                ("small", "parts/gauss_newton/metrics/js_raw", "gauss_newton: metrics: js_raw"),
                ("lanczos", "spectra/full/weights", "(full): trace"),
                ("lanczos", "spectra/full/density/standard_error",
                 "(full): density standard_error"),
                ("series", "series/overlap", None), ("series", "series/trace", None),
                ("series", f"steps/000003/spectra/blocks/{wte}/eigenvalues",
                 f"step 3: {wte}: trace")):
            with self.subTest(place):
                found = self.broken(f"{source}.h5", place, more)
                if line:
                    self.assertIn(line, found)
                else:
                    self.assertEqual(len(found), 1, found)
        found = self.broken("small.h5", "measures/index/below", lambda x: x + 1)
        self.assertEqual(len(found), 1, found)

    def test_files_without_spectra_are_refused(self):
        with hesse.open(made("sweep.h5")) as r, self.assertRaisesRegex(Missing, "kind sweep"):
            r.check()

    def test_definitions(self):
        """Numbers that are known without a file."""
        values = np.array([-1.0, 0.0, 1.0, 2.0])
        found = again.of_eigenvalues(values, 2.0, math.sqrt(6))
        self.assertEqual(found["condition"], 2)
        self.assertEqual(found["robust_condition"], 2)  # absolute values 0 1 1 2: median 1
        self.assertEqual(found["negative_mass"], 0.25)
        noise = again.of_eigenvalues(np.array([-1e-17, 1.0, 2.0]), 3.0, math.sqrt(5))
        self.assertEqual((noise["negative_mass"], noise["condition"]), (0, 2))

        class Quadrature(dict):
            size, nodes, weights = 10, np.array([[0.0, 2.0]]), np.array([[0.95, 0.05]])
        few = again.of_quadrature(Quadrature())
        self.assertAlmostEqual(few["trace"], 1)
        self.assertAlmostEqual(few["frobenius"], math.sqrt(2))
        self.assertEqual(few["effective_rank"], 1)  # half an eigenvalue of 2
        shares = np.array([0.25, 0.25, 0.5])
        self.assertAlmostEqual(found["effective_rank"], np.exp(-(shares * np.log(shares)).sum()))
        self.assertEqual(again.of_eigenvalues(np.zeros(3), 0.0, 0.0)["check_trace"], 0)
        self.assertTrue(math.isnan(again.of_eigenvalues(np.zeros(3), 0.0, 0.0)["condition"]))
        shifted = (values, np.full(4, 0.25)), (values + 3, np.full(4, 0.25))
        self.assertAlmostEqual(again.wasserstein(*shifted), 3)
        p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
        np.testing.assert_allclose(again.divergences(p, np.array([q, p])), [math.log(2), 0])
        # A power law has the exponent that it was made with.
        sample = np.sort((1 - np.arange(0.5, 2000) / 2000) ** (-1 / 1.5))
        best = again.of_tail(sample, {"tail_minimum": math.nan})
        self.assertAlmostEqual(best["tail_exponent"], 2.5, 1)
        self.assertLess(best["tail_distance"], 0.01)
        masses = again.kernel_masses(np.array([0.5, 7.0]), np.array([0.25, 0.75]), 0, 0.01, 101, 0.05)
        self.assertAlmostEqual(masses.sum(), 1)
        self.assertGreater(masses[-1], 0.5)  # what is beyond the grid counts at its end
        grid = np.arange(101) * 0.01
        inside = again.kernel_masses(np.array([0.5]), np.array([1.0]), 0, 0.01, 101, 0.05)
        direct = np.exp(-((grid - 0.5) ** 2) / (2 * 0.05**2))
        np.testing.assert_allclose(inside, direct / direct.sum(), atol=1e-15)


@unittest.skipUnless(HESSE, "skipped: no HESSE")
class Compare(Case):
    def test_a_file_with_itself(self):
        same = hesse.compare(made("exact.h5"), made("exact.h5"))
        self.assertTrue(same.same)
        self.assertEqual(same.worst, 0)
        self.assertIn("no difference", repr(same))

    def test_another_seed(self):
        found = hesse.compare(made("exact.h5"), made("seed2.h5"))
        self.assertFalse(found.same)
        self.assertIn("model_seed", found.attributes.index)
        self.assertIn("job_identity", found.run_attributes.index)
        self.assertNotIn("job_identity", found.attributes.index)
        with hesse.open(made("exact.h5")) as a, hesse.open(made("seed2.h5")) as b:
            far = np.abs(a.full.eigenvalues - b.full.eigenvalues)
            row = found.spectra.row("(full)")
            self.assertEqual(row["largest"], far.max())
            # Of spectra of the same size the Wasserstein distance is the mean difference.
            self.assertAlmostEqual(row["wasserstein"], float(far.mean()), 12)
            traces = found.measures.take([m == "trace" for m in found.measures["measure"]])
            self.assertEqual(traces.row("(full)")["difference"],
                             b.full.measures["trace"] - a.full.measures["trace"])
        self.assertIn("differences of the spectra", repr(found))
        self.assertIn("<table>", found._repr_html_())

    def test_blocks_of_one_alone(self):
        with hesse.open(made("exact.h5")) as a, hesse.open(made("series.h5")) as s:
            self.assertEqual(a.compare(s.at(0)).worst, 0)
            self.assertFalse(s.at(0).compare(s.at(6)).same)
            self.assertEqual(s.at(6).compare(s).worst, 0)
            self.assertIn("series.h5, step 0", repr(s.at(0).compare(s.at(6))))
            share = a.parts["gauss_newton"].compare(a.parts["functional"])
            self.assertGreater(share.worst, 0.1)
        with hesse.open(made("sweep.h5")) as r, self.assertRaisesRegex(Failure, "kind sweep"):
            hesse.compare(r, made("exact.h5"))
        path = self.path("failed.h5")  # a series, all of whose steps failed
        shutil.copy(made("series.h5"), path)
        with h5py.File(path, "r+") as f:
            del f["steps"]
        with self.assertRaisesRegex(Failure, "kind series"):
            hesse.compare(path, made("exact.h5"))
        found = hesse.compare(made("exact.h5"), made("lanczos.h5"))
        self.assertTrue(np.isnan(found.spectra["largest"]).all())

    @needs("pandas")
    def test_pandas(self):
        frame = hesse.compare(made("exact.h5"), made("seed2.h5")).to_pandas()
        self.assertEqual(frame.loc["(full)", ("trace", "difference")],
                         frame.loc["(full)", ("trace", "b")] - frame.loc["(full)", ("trace", "a")])


@unittest.skipUnless(HESSE, "skipped: no HESSE")
class Run(Case):
    JOB = {"model": {"family": "mlp", "widths": [2]}, "hessian": {"scope": "both"},
           "data": {"generator": "clusters", "features": 2, "classes": 2, "sequences": 4}}

    def test_temporary_output_goes_with_the_file(self):
        r = hesse.run(self.JOB)
        folder = os.path.dirname(r.path)
        self.assertTrue(os.path.exists(r.path))
        self.assertLess(r.check(), 1e-12)
        r.close()
        self.assertFalse(os.path.exists(folder))

    def test_paths_are_those_of_the_caller(self):
        os.makedirs(self.path("data"))
        np.save(self.path("data/x.npy"), np.arange(24.0).reshape(4, 3, 2) / 24)
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        with open("corpus.txt", "w") as file:
            file.write("one two three four five " * 8)
        content = {"model": {"family": "gpt2", "layers": 1, "heads": 1, "width": np.int64(2),
                             "context": 4},
                   "data": {"text": "corpus.txt", "vocabulary": "characters", "sequences": 2},
                   "hessian": {"scope": "blocks", "only": ["*query"]},
                   "output": {"file": "own.h5"}}
        with hesse.run(content) as r:
            self.assertEqual(r.path, "own.h5")
            self.assertEqual(r.attributes["sequences"], 2)
            self.assertEqual(r.attributes["model_width"], 2)
        with hesse.run(content, set={"output.file": "set.h5", "data.sequences": 3}) as r:
            self.assertEqual((r.path, r.attributes["sequences"]), ("set.h5", 3))

    @needs("yaml")
    def test_job_files(self):
        self.write("jobs/job.yaml", "{model: {family: mlp, widths: [2]}, data: {generator: clusters,"
                                    " features: 2, sequences: 4}, output: {file: r.h5}}\n")
        with hesse.run(self.path("jobs/job.yaml")) as r:
            self.assertEqual(r.path, self.path("jobs", "r.h5"))
        with hesse.run(self.path("jobs/job.yaml"), output=self.path("x.h5")) as r:
            self.assertEqual(r.path, self.path("x.h5"))

    def test_errors_of_the_program(self):
        with self.assertRaisesRegex(hesse.results.ProgramError, "unknown key 'widht'") as caught:
            hesse.run({**self.JOB, "model": {"family": "mlp", "widht": 2}})
        self.assertEqual(caught.exception.status, 2)
        self.assertNotIn("\n", str(caught.exception))
        self.assertFalse(str(caught.exception).startswith("hesse"))
        with self.assertRaises(Failure) as caught:
            hesse.run({**GPT2, "data": {"tokens": "none.npy"}})
        self.assertEqual(caught.exception.status, 3)
        self.write("there.h5", "")
        with self.assertRaises(Failure) as caught:
            hesse.run(self.JOB, output=self.path("there.h5"))
        self.assertEqual(caught.exception.status, 6)
        with hesse.run(self.JOB, output=self.path("there.h5"), force=True) as r:
            self.assertEqual(r.kind, "result")
        for arguments in ({"program": "no-such-program"}, {"command": "show"}, {"ranks": 0}):
            with self.assertRaises(Failure) as caught:
                hesse.run(self.JOB, **arguments)
            self.assertEqual(caught.exception.status, 2)
        with self.assertRaisesRegex(Failure, "type object"):
            hesse.run({"model": object()})

    @unittest.skipUnless(shutil.which("mpirun"), "skipped: no mpirun")
    def test_ranks(self):
        root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        with mock.patch.dict(os.environ, root):
            start = "mpirun --oversubscribe" if b"Open MPI" in subprocess.run(
                ["mpirun", "--version"], capture_output=True).stdout else "mpirun"
            with hesse.run(self.JOB, ranks=2, mpirun=start) as two, hesse.run(self.JOB) as one:
                self.assertEqual(two.attributes["ranks"], 2)
                self.assertLess(two.compare(one).worst, 1e-12)

    def test_an_interrupt_lets_the_program_end_well(self):
        """The program saves or removes what it began; one that is killed leaves its .tmp file."""
        content = {**job(model={"family": "gpt2", "layers": 1, "heads": 2, "width": 24}),
                   "hessian": {"scope": "blocks", "partition": "neuron"}, "output": {}}
        self.write("job.json", json.dumps(content))
        code = ("import hesse, json, sys; hesse.run(json.load(open(sys.argv[1])), output=sys.argv[2],"
                " set={'data.sequences': 2000})")
        process = subprocess.Popen(
            [sys.executable, "-c", code, self.path("job.json"), self.path("r.h5")],
            stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.path.join(
                ROOT, "tools", "python")})
        self.addCleanup(process.kill)
        parts = self.path("r.h5.parts")

        def begun():
            return os.path.isdir(parts) and any(x.endswith(".tmp") for x in os.listdir(parts))

        for _ in range(600):
            if begun() or process.poll() is not None:
                break
            time.sleep(0.1)
        self.assertIsNone(process.poll(), "the job has to run for a while")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=100)
        self.assertIn(b"KeyboardInterrupt", errors)
        self.assertFalse(os.path.exists(self.path("r.h5")))
        self.assertFalse(begun())

    def test_training(self):
        log = hesse.run({**self.JOB, "train": {"steps": 3}}, command="train")
        self.assertEqual((log.kind, len(log.log["loss"])), ("log", 3))
        log.close()
        runs = hesse.run({**self.JOB, "train": {"steps": 2, "learning_rate": [0.1, 0.2]}},
                         command="train")
        self.assertEqual(sorted(runs), ["rate-0.1", "rate-0.2"])
        folder = os.path.dirname(os.path.dirname(runs["rate-0.1"].path))
        for file in runs.values():
            self.assertTrue(os.path.exists(file.path))
            file.close()
        del file, runs
        self.assertFalse(os.path.exists(folder))


@unittest.skipUnless(HESSE, "skipped: no HESSE")
class Documentation(Case):
    def test_examples_run(self):
        """The examples of docs/python.md, one after the other."""
        with open(os.path.join(ROOT, "docs", "python.md"), encoding="utf-8") as file:
            pieces = file.read().split("```python\n")[1:]
        self.assertGreater(len(pieces), 8)
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        scope, out = {}, io.StringIO()
        for piece in pieces:
            code = piece.split("```")[0]
            if any(f"needs {name}" in code and importlib.util.find_spec(name) is None
                   for name in ("xarray", "pandas")):
                continue
            with contextlib.redirect_stdout(out):
                exec(compile(code, "docs/python.md", "exec"), scope)
        for words in ("gpt2", "worst relative difference", "2 --set model.width", "[0, 10, 20]"):
            self.assertIn(words, out.getvalue())
        for value in scope.values():
            if isinstance(value, hesse.results.File):
                value.close()


if __name__ == "__main__":
    unittest.main()
