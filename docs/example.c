/* The smallest and largest eigenvalue of every block of a checkpoint's Hessian, and the
   curvature along the gradient by one Hessian-vector product, without the command line.

     cc example.c $(pkg-config --cflags --libs hesse) -o example
     mpirun -n 4 ./example CONFIG.json MODEL.safetensors TOKENS.npy                      */
#include <hesse/hesse.h>

#include <stdio.h>
#include <stdlib.h>

/* The loss, its gradient g, and g H g / g g. */
static hesse_status curvature(hesse_team *team, hesse_problem *p, double *loss,
                              double *along)
{
    const size_t n = hesse_network_size(p->network);
    double *g = malloc(n * sizeof *g), *hg = malloc(n * sizeof *hg), square = 0;
    hesse_status s = HESSE_OK;
    if (!g || !hg) s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(team, s);
    if (!s) s = hesse_objective_gradient(p->objective, loss, g);
    if (!s) s = hesse_objective_product(p->objective, HESSE_ALL, 1, g, hg);
    *along = 0;
    for (size_t i = 0; !s && i < n; i++) *along += g[i] * hg[i], square += g[i] * g[i];
    if (!s) *along /= square;
    free(g);
    free(hg);
    return s;
}

int main(int argc, char **argv)
{
    hesse_team *team = NULL;
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_analysis *analysis = NULL;
    MPI_Init(&argc, &argv);
    if (argc != 4 || hesse_team_new(MPI_COMM_WORLD, &team)) return 2;
    const int speaks = hesse_team_rank(team) == 0;

    const hesse_arch arch = {.family = "gpt2"};
    const hesse_network_source source = {
        .arch = &arch, .config = argv[1], .checkpoint = argv[2]};
    const char *const files[] = {argv[3]};
    const hesse_data_options data = {
        .kind = "tokens", .paths = files, .n_paths = 1, .sequences = 2};
    const hesse_objective_options mean = {.reduction = HESSE_MEAN};
    const hesse_analysis_options blocks = {.partition = HESSE_CUT_TENSOR};

    double loss = 0, along = 0;
    hesse_status s = hesse_problem_open(team, &source, &data, &mean, &problem);
    if (!s) s = curvature(team, &problem, &loss, &along);
    if (!s && speaks)
        printf("hesse %s: loss %.6f, curvature along the gradient %.6e\n", hesse_version(),
               loss, along);

    if (!s) s = hesse_analysis_new(problem.objective, &blocks, &analysis);
    if (!s) s = hesse_analysis_run(analysis);
    for (int b = 0; !s && speaks && b < hesse_analysis_blocks(analysis); b++) {
        const hesse_measures *m = hesse_analysis_measures(analysis, 0, b);
        printf("%-50s %12.4e %12.4e\n", hesse_analysis_block_name(analysis, b), m->min,
               m->max);
    }

    if (s && speaks) fprintf(stderr, "%s\n", hesse_team_why(team)->text);
    hesse_analysis_free(analysis);
    hesse_problem_free(&problem);
    hesse_team_free(team);
    MPI_Finalize();
    return (int)s;
}
