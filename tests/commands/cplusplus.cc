// The public headers from C++: every header alone or together, structs begun from {}, a
// set of kinds, which C++ makes an int, cast back, and calls of the library.
//
//   cplusplus CONFIG.json MODEL.safetensors TOKENS.npy
#include <hesse/hesse.h>

#include <hesse/generator.h>

#include <cstdio>
#include <memory>
#include <vector>

namespace
{
template <typename T, void (*release)(T *)> struct releases {
    void operator()(T *x) const
    {
        release(x);
    }
};
typedef std::unique_ptr<hesse_team, releases<hesse_team, hesse_team_free>> team_ptr;
typedef std::unique_ptr<hesse_model, releases<hesse_model, hesse_model_free>> model_ptr;

int run(char **files)
{
    hesse_team *t = nullptr;
    if (hesse_team_new(MPI_COMM_WORLD, &t)) return 2;
    team_ptr team(t);

    hesse_arch arch = {};
    arch.family = HESSE_GPT2;
    hesse_source source = {};
    source.arch = &arch;
    source.config = files[0];
    source.checkpoint = files[1];
    source.tokens = files[2];
    source.sequences = 2;
    hesse_model *m = nullptr;
    hesse_status status = hesse_model_open(team.get(), &source, &m);
    model_ptr model(m);
    if (status) {
        std::fprintf(stderr, "%s\n", hesse_team_why(team.get())->text);
        return 3;
    }

    const std::size_t n = hesse_model_size(model.get());
    std::vector<double> all(n), losses(n), others(n);
    const double *gradient = hesse_model_gradient(model.get());
    const hesse_kinds rest = static_cast<hesse_kinds>(HESSE_ALL & ~HESSE_GAUSS_NEWTON);
    if (rest != hesse_kinds_named("functional")) return 4;
    status = hesse_model_product(model.get(), HESSE_ALL, 1, gradient, all.data());
    if (!status)
        status = hesse_model_product(model.get(), HESSE_GAUSS_NEWTON, 1, gradient,
                                     losses.data());
    if (!status)
        status = hesse_model_product(model.get(), rest, 1, gradient, others.data());
    if (status) return 5;
    double apart = 0, square = 0;
    for (std::size_t i = 0; i < n; i++) {
        const double e = all[i] - losses[i] - others[i];
        apart += e * e;
        square += all[i] * all[i];
    }
    return apart <= 1e-24 * square && square > 0 ? 0 : 6;
}
} // namespace

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    const int status = argc == 4 ? run(argv + 1) : 2;
    MPI_Finalize();
    return status;
}
