/* The smallest and largest eigenvalue of every block of a checkpoint's Hessian, and one
   Hessian-vector product, without the command line.

     cc example.c $(pkg-config --cflags --libs hesse) -o example
     mpirun -n 4 ./example CONFIG.json MODEL.safetensors TOKENS.npy                      */
#include <hesse/hesse.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    hesse_team *team = NULL;
    hesse_objective *model = NULL;
    hesse_analysis *analysis = NULL;
    MPI_Init(&argc, &argv);
    if (argc != 4 || hesse_team_new(MPI_COMM_WORLD, &team)) return 2;
    const int speaks = hesse_team_rank(team) == 0;

    const hesse_arch arch = {.family = "gpt2"};
    const hesse_source source = {.arch = &arch,
                                 .config = argv[1],
                                 .checkpoint = argv[2],
                                 .tokens = argv[3],
                                 .sequences = 2};
    const hesse_analysis_options question = {.partition = HESSE_CUT_TENSOR};
    hesse_status s = hesse_model_open(team, &source, &model);
    if (!s) s = hesse_analysis_new(model, &question, &analysis);
    if (!s) s = hesse_analysis_run(analysis);
    for (int b = 0; !s && speaks && b < hesse_analysis_blocks(analysis); b++) {
        const hesse_measures *m = hesse_analysis_measures(analysis, 0, b);
        printf("%-50s %12.4e %12.4e\n", hesse_analysis_block_name(analysis, b), m->min,
               m->max);
    }

    if (!s) { /* the curvature along the gradient */
        const size_t n = hesse_model_size(model);
        const double *g = hesse_model_gradient(model);
        double *hg = malloc(n * sizeof *hg), along = 0, square = 0;
        if (!hg) s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM, "out of memory");
        s = hesse_agree(team, s);
        if (!s) s = hesse_objective_product(model, HESSE_ALL, 1, g, hg);
        for (size_t i = 0; !s && i < n; i++)
            along += g[i] * hg[i], square += g[i] * g[i];
        if (!s && speaks) printf("curvature along the gradient %.6e\n", along / square);
        free(hg);
    }
    if (s && speaks) fprintf(stderr, "%s\n", hesse_team_why(team)->text);
    hesse_analysis_free(analysis);
    hesse_model_free(model);
    hesse_team_free(team);
    MPI_Finalize();
    return (int)s;
}
