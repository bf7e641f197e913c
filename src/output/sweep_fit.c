/* Growth laws are straight lines in logarithms. The errors of the means are not used as
   weights: what a law leaves out is larger than they are. */
#include "output/sweep.h"

#include <math.h>

static bool is_good(double x, double y)
{
    return isfinite(x) && isfinite(y) && x > 0 && y > 0;
}

hesse_line hesse_sweep_fit(int count, const double *x, const double *y)
{
    hesse_line line = {.slope = NAN, .error = NAN};
    double mx = 0, my = 0, xx = 0, xy = 0, rest = 0;
    for (int i = 0; i < count; i++) {
        if (!is_good(x[i], y[i])) continue;
        line.points++, mx += log(x[i]), my += log(y[i]);
    }
    if (line.points < 2) return line;
    mx /= line.points, my /= line.points;
    for (int i = 0; i < count; i++) {
        if (!is_good(x[i], y[i])) continue;
        const double dx = log(x[i]) - mx;
        xx += dx * dx, xy += dx * (log(y[i]) - my);
    }
    if (!(xx > 0)) return line;
    line.slope = xy / xx;
    for (int i = 0; i < count; i++) {
        if (!is_good(x[i], y[i])) continue;
        const double e = log(y[i]) - my - line.slope * (log(x[i]) - mx);
        rest += e * e;
    }
    if (line.points > 2) line.error = sqrt(rest / (line.points - 2) / xx);
    return line;
}

hesse_line hesse_sweep_between(const double x[2], const double y[2],
                               const double error[2])
{
    hesse_line line = hesse_sweep_fit(2, x, y);
    if (!isnan(line.slope))
        line.error = hypot(error[0] / y[0], error[1] / y[1]) / fabs(log(x[1] / x[0]));
    return line;
}
