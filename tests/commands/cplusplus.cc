// The public headers from C++: every header alone or together, structs begun from {}, a
// set of kinds, which C++ makes an int, cast back, and calls of the library.
//
//   cplusplus CONFIG.json MODEL.safetensors TOKENS.npy
#include <hesse/hesse.h>

#include <cstdio>
#include <cstring>
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
struct problem : hesse_problem {
    problem() : hesse_problem()
    {
    }
    ~problem()
    {
        hesse_problem_free(this);
    }
};

int run(char **files)
{
    hesse_team *t = nullptr;
    if (hesse_team_new(MPI_COMM_WORLD, &t)) return 2;
    team_ptr team(t);

    hesse_arch arch = {};
    std::strcpy(arch.family, "gpt2");
    hesse_network_source source = {};
    source.arch = &arch;
    source.config = files[0];
    source.checkpoint = files[1];
    hesse_data_options data = {};
    const char *const paths[] = {files[2]};
    data.kind = "tokens";
    data.paths = paths;
    data.n_paths = 1;
    data.sequences = 2;
    hesse_objective_options options = {};
    problem p;
    hesse_status status = hesse_problem_open(team.get(), &source, &data, &options, &p);
    if (status) {
        std::fprintf(stderr, "%s\n", hesse_team_why(team.get())->text);
        return 3;
    }

    const std::size_t n = hesse_network_size(p.network);
    std::vector<double> gradient(n), all(n), losses(n), others(n);
    const hesse_kinds rest = static_cast<hesse_kinds>(HESSE_ALL & ~HESSE_GAUSS_NEWTON);
    if (rest != hesse_kinds_named("functional")) return 4;
    status = hesse_objective_gradient(p.objective, nullptr, gradient.data());
    if (!status)
        status = hesse_objective_product(p.objective, HESSE_ALL, 1, gradient.data(),
                                         all.data());
    if (!status)
        status = hesse_objective_product(p.objective, HESSE_GAUSS_NEWTON, 1,
                                         gradient.data(), losses.data());
    if (!status)
        status = hesse_objective_product(p.objective, rest, 1, gradient.data(),
                                         others.data());
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
