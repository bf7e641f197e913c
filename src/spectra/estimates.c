/* Memory for estimates other than quadratures. */
#include "base/memory.h"
#include "hesse/extremes.h"
#include "hesse/hutchinson.h"

#include <limits.h>
#include <stdlib.h>

hesse_status hesse_extremes_new(size_t n, int pairs, int kept,
                                hesse_extremes **extremes, hesse_why *why)
{
    if (!n || pairs < 0 || pairs > INT_MAX / 2 || kept < 0 || kept > INT_MAX / 2 ||
        !extremes)
        return hesse_fail(why, HESSE_E_JOB,
                          "%d eigenpairs of order %zu at each end, %d kept", pairs, n,
                          kept);
    hesse_extremes *e = hesse_calloc(1, sizeof *e);
    if (e) {
        *e = (hesse_extremes){.n = n};
        e->count = n < 2 * (size_t)pairs ? (int)n : 2 * pairs;
        e->vectors = e->count < 2 * kept ? e->count : 2 * kept;
        e->eigenvalues = hesse_calloc((size_t)e->count, sizeof *e->eigenvalues);
        e->residuals = hesse_calloc((size_t)e->count, sizeof *e->residuals);
        e->eigenvectors = hesse_calloc((size_t)e->vectors * n, sizeof(double));
    }
    if (e && e->eigenvalues && e->residuals && e->eigenvectors) {
        *extremes = e;
        return HESSE_OK;
    }
    hesse_extremes_free(e);
    return hesse_fail(why, HESSE_E_NOMEM,
                      "out of memory for %d eigenpairs at each end of order %zu", pairs,
                      n);
}

void hesse_extremes_free(hesse_extremes *e)
{
    if (!e) return;
    free(e->eigenvalues);
    free(e->residuals);
    free(e->eigenvectors);
    free(e);
}

hesse_status hesse_hutchinson_new(size_t n, const hesse_hutchinson_settings *settings,
                                  hesse_hutchinson **hutchinson, hesse_why *why)
{
    if (!n || !settings || settings->probes < 0 || settings->sketch < 0 || !hutchinson)
        return hesse_fail(
            why, HESSE_E_JOB,
            "a diagonal of order %zu needs probes and a sketch, 0 or more", n);
    hesse_hutchinson *h = hesse_calloc(1, sizeof *h);
    if (h) {
        *h = (hesse_hutchinson){.n = n, .probes = settings->probes};
        h->sketch = n < (size_t)settings->sketch ? (int)n : settings->sketch;
        h->diagonal = hesse_calloc(n, sizeof *h->diagonal);
        h->error = hesse_calloc(n, sizeof *h->error);
    }
    if (h && h->diagonal && h->error) {
        *hutchinson = h;
        return HESSE_OK;
    }
    hesse_hutchinson_free(h);
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a diagonal of order %zu",
                      n);
}

void hesse_hutchinson_free(hesse_hutchinson *h)
{
    if (!h) return;
    free(h->diagonal);
    free(h->error);
    free(h);
}
