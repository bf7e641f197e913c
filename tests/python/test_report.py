"""Laws of what a report prepares for its figures: thinning, axes, scalings, images."""
import math
import unittest
from types import SimpleNamespace

from common import needs

try:
    import numpy as np

    from hesse.figures import matrices, names
    from hesse.report import blocks, figure, spectra
    from hesse.results import recompute
except ImportError:
    np = None


def exact(values):
    return SimpleNamespace(exact=True, eigenvalues=np.array(values, float))


@needs("numpy")
class Thinning(unittest.TestCase):
    def test_places_are_few_ascending_and_have_both_ends(self):
        for count in (1, 2, 49, 50, 51, 5000):
            y = np.sin(np.arange(count) ** 1.5)
            for limit in (50, 60):
                for places in (figure.spaced(count, limit), figure.spaced_log(count, limit),
                               figure.peaks(y, limit)):
                    self.assertLessEqual(len(places), limit)
                    self.assertEqual((places[0], places[-1]), (0, count - 1))
                    self.assertTrue((np.diff(places) > 0).all())
                    if count <= limit:
                        self.assertEqual(len(places), count)

    def test_spaces(self):
        self.assertLessEqual(np.ptp(np.diff(figure.spaced(5000, 60))), 1)
        places = figure.spaced_log(5000, 60)
        # The first ten of 5000 places are more than a quarter of a logarithmic axis.
        self.assertGreaterEqual((places < 10).sum(), 7)
        self.assertLessEqual(np.diff(places).max(), math.ceil(4999 / 29))

    def test_peaks_stay(self):
        for at in (1, 777, 2500, 4998):
            for sign in (1, -1):
                y = 1e-3 * np.cos(np.arange(5000.0))
                y[at] = 5.0 * sign
                y[at - 1] = math.nan
                self.assertIn(at, figure.peaks(y, 60))

    def test_means_over_squares(self):
        values = np.arange(7.0 * 5).reshape(7, 5) ** 2
        found, side = figure.averaged(values, 3)
        self.assertEqual((side, found.shape), (3, (3, 2)))
        for i in range(3):
            for j in range(2):
                self.assertAlmostEqual(found[i, j],
                                       values[3 * i:3 * i + 3, 3 * j:3 * j + 3].mean())
        np.testing.assert_allclose(figure.means(np.arange(5.0), 2), [0.5, 2.5, 4])
        self.assertEqual(figure.averaged(values, 7)[1], 1)
        self.assertEqual(figure.averaged(values.T, 3)[0].shape, (2, 3))

    def test_blocks_that_are_left_out_are_named(self):
        notes = set()
        self.assertEqual(len(blocks.kept_blocks(50, figure.Limits(points=50), notes)), 50)
        self.assertEqual(notes, set())
        self.assertEqual(len(blocks.kept_blocks(70, figure.Limits(points=50), notes)), 50)
        self.assertEqual(notes, {"50 of 70 blocks are drawn, evenly spaced in the order of the "
                                 "file."})

    def test_points_of_a_figure_have_a_bound(self):
        limits = figure.Limits(points=2000, total=10000)
        self.assertEqual(limits.of_curve(2), 2000)
        self.assertEqual(limits.of_curve(20), 500)


@needs("numpy")
class Axes(unittest.TestCase):
    def test_scales_have_inverses_and_ascend(self):
        values = np.array([-3e4, -2.0, -1e-3, 0.0, 1e-3, 2.0, 3e4])
        for scale in ("linear", "symlog", "log"):
            kept = values[values > 0] if scale == "log" else values
            there, back = figure.transform(scale, 1e-2)
            np.testing.assert_allclose(back(there(kept)), kept, rtol=1e-11, atol=1e-17)
            self.assertTrue((np.diff(there(kept)) > 0).all())
        there, _ = figure.transform("symlog", 1e-2)
        np.testing.assert_array_equal(there(-values), -there(values))
        self.assertAlmostEqual(there(1e3) - there(1e2), 1, 3)  # far out, a decade is 1
        self.assertAlmostEqual(there(1e-6) / there(5e-7), 2, 3)  # near 0 it is linear

    def test_threshold(self):
        values = 10.0 ** np.linspace(-6, 0, 1001)  # the tenth percentile is 10^-5.4
        self.assertEqual(figure.threshold([values, -values]), 1e-6)
        self.assertEqual(figure.threshold([np.geomspace(2e-20, 1, 100)]), 1e-8)
        self.assertEqual(figure.threshold([np.array([0.0, math.nan, math.inf])]), 1)

    def test_histograms(self):
        values = np.array([-2.0, -1.0, 0.0, 1.0, 10.0, 100.0])
        masses = np.array([0.1, 0.2, 0.1, 0.2, 0.3, 0.1])
        for scale, inside in (("linear", 1.0), ("symlog", 1.0), ("log", 0.6)):
            edges, heights = figure.histogram(values, masses, scale, 0.1)
            self.assertEqual(len(edges), 81)
            self.assertAlmostEqual(heights.sum(), inside)
        edges, heights = figure.histogram(values, masses, "log", 1, bins=4)  # half decades
        np.testing.assert_allclose(edges, 10.0 ** np.arange(0, 2.5, 0.5))
        np.testing.assert_allclose(heights, [0.2, 0, 0.3, 0.1])
        self.assertEqual(len(figure.histogram(-np.ones(3), np.ones(3), "log", 1)[0]), 0)


@needs("numpy")
class Scalings(unittest.TestCase):
    def test_the_tenth_largest(self):
        values = -np.arange(30.0, 0, -1)  # ascending; the tenth largest is -10
        self.assertEqual(recompute.tenth(exact(values)), 10)
        self.assertEqual(recompute.tenth(exact(values[-10:])), 10)
        self.assertEqual(recompute.tenth(exact(values[-9:])), 9)  # the smallest of nine

        class Estimated(dict):
            exact = False
            # Nodes that were not taken are behind those that were.
            nodes = np.array([np.arange(1.0, 15), np.arange(101.0, 115)])
        # The probes have 12 and 5 nodes: the third of the first and the first of the second.
        self.assertEqual(recompute.tenth(Estimated(taken=np.array([12, 5]))), (3 + 101) / 2)

    def test_factors(self):
        spectrum = exact([-4.0, 0.0, 1.0])
        spectrum.measures = {"trace": -3.0}
        self.assertEqual(spectra.factors_of(spectrum), {"raw": 1, "tenth": 4, "trace": 3})
        spectrum.eigenvalues, spectrum.measures = np.zeros(3), {"trace": 0.0}
        self.assertEqual(spectra.factors_of(spectrum), {"raw": 1, "tenth": 1, "trace": 1})

    def test_labels_of_numbers_that_are_divided_have_no_unit(self):
        view = figure.View("k", "k", figure.Axis(spectra.EIGENVALUE), figure.Axis("y"),
                           scalings=spectra.SCALINGS)
        self.assertEqual(view.scaled_label("raw"), spectra.EIGENVALUE)
        self.assertEqual(view.scaled_label("tenth"), "eigenvalue, divided by the 10th largest")


@needs("numpy")
class Names(unittest.TestCase):
    def test_groups(self):
        for group, some in (
                ("Emb", ("transformer.wte.weight", "lm_head.weight", "Emb")),
                ("QK", ("transformer.h.0.attn.c_attn.weight.query", "layers.1.self_attn.k_proj.weight")),
                ("VO", ("transformer.h.0.attn.c_attn.weight.value", "transformer.h.0.attn.c_proj.weight")),
                ("FFN", ("transformer.h.0.mlp.c_fc.weight", "layers.0.weight")),
                ("Norm", ("transformer.ln_f.weight", "model.layers.0.input_layernorm.weight")),
                ("Conv", ("features.0.kernel",)), ("Other", ("scale",))):
            for name in some:
                self.assertEqual(names.group_of(name), group, name)

    def test_orders_are_permutations(self):
        some = ["wte", "h.10.mlp.w", "h.2.attn.query", "h.2.mlp.w", "ln_f"]
        orders = names.orders(some)
        for order in orders.values():
            self.assertEqual(sorted(order), list(range(5)))
        self.assertEqual(orders["by layer"], [0, 2, 3, 1, 4])
        self.assertEqual(orders["by group"], [0, 2, 1, 3, 4])
        self.assertEqual(orders["by name"], [2, 3, 1, 4, 0])
        self.assertEqual(orders["as in the file"], [0, 1, 2, 3, 4])

    def test_short_names_stay_different(self):
        some = [f"transformer.h.{i}.{part}" for i in range(3) for part in
                ("attn.c_attn.weight.query", "attn.c_attn.bias.query", "mlp.c_fc.weight")]
        short = names.short_names(some)
        self.assertEqual(len(set(short)), len(some))
        self.assertLessEqual(max(map(len, short)), 34)
        self.assertEqual(names.common(["a.b", "a.c"]), "")  # they are short
        self.assertEqual(names.common(["transformer.blocks.x" + "y" * 20, "transformer.blocks.z"]),
                         "transformer.blocks.")


@needs("numpy")
class Images(unittest.TestCase):
    def test_cells_over_stripes(self):
        """A cell is the root mean square, or the largest, over all stripes that it lies in."""
        random = np.random.default_rng(1)
        full = random.normal(size=(23, 23))
        stored = matrices.Stored([matrices.Block("a", 0, 9), matrices.Block("c", 14, 9)], full, None)
        rows = np.r_[0:9, 14:23]
        entries = full[np.ix_(rows, rows)]
        before, matrices.STRIPE = matrices.STRIPE, 20  # two rows of nine
        try:
            for largest in (False, True):
                image = matrices.reduce(stored, 5, largest)
                self.assertEqual((image.order, image.cell, image.values.shape), (18, 4, (5, 5)))
                for i in range(5):
                    for j in range(5):
                        piece = np.abs(entries[4 * i:4 * i + 4, 4 * j:4 * j + 4])
                        self.assertAlmostEqual(image.values[i, j], piece.max() if largest else
                                               math.sqrt((piece ** 2).mean()), 14)
        finally:
            matrices.STRIPE = before
        self.assertEqual(image.starts, [0, 9, 18])


if __name__ == "__main__":
    unittest.main()
