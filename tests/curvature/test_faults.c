/* A number that is not finite is reported with its operator and sequence, and with the
   block that contains its column. */
#include "curvature/assemble.h"
#include "transformers.h"

#include <math.h>
#include <string.h>

static double *weight(const transformer *m, const char *name)
{
    for (int i = 0; i < m->params.count; i++)
        if (strstr(m->params.list[i].name, name))
            return m->theta + m->params.list[i].offset;
    fail_msg("no parameter %s", name);
    return NULL;
}

static void values_are_named(void **state)
{
    (void)state;
    char text[128];
    transformer m;
    transformer_new(&m, &tiny_gpt2);
    assert_int_equal(hesse_tape_fault(m.tape).node, -1);
    weight(&m, "wte")[6 * tiny_gpt2.width + 2] =
        NAN; /* token 6 is first in sequence 1 */
    hesse_tape_run(m.tape, m.theta, m.gradient);
    const hesse_fault fault = hesse_tape_fault(m.tape);
    assert_string_equal(fault.what, "value");
    assert_int_equal(fault.sequence, 1);
    assert_string_equal(hesse_fault_text(m.tape, &fault, text, sizeof text),
                        "operator 0 (embedding), sequence 1");
    transformer_free(&m);
}

/* A rank goes over its own sequences. Only those of the last pass are searched, not
   what an earlier pass left in others. */
static void the_last_pass_is_searched(void **state)
{
    (void)state;
    transformer m;
    hesse_arch arch = tiny_gpt2;
    arch.tied = false;
    transformer_new(&m, &arch);
    weight(&m, "wte")[6 * tiny_gpt2.width + 2] = NAN;
    hesse_tape_set_parameters(m.tape, m.theta);
    hesse_tape_gradient(m.tape, 1, 1, NULL);
    assert_int_equal(hesse_tape_fault(m.tape).sequence, 1);
    assert_int_equal(hesse_tape_fault(m.tape).node, 0);
    hesse_tape_gradient(m.tape, 0, 1, NULL);
    assert_int_equal(hesse_tape_fault(m.tape).node, -1);
    transformer_free(&m);
}

/* Token 6 is an input of sequence 1, but all sequences read its row of the head. */
static void the_first_operator_is_named(void **state)
{
    (void)state;
    transformer m;
    hesse_arch arch = tiny_gpt2;
    arch.tied = false;
    transformer_new(&m, &arch);
    weight(&m, "h.1.ln_2.weight")[0] = 1e308;
    weight(&m, "h.1.mlp.c_fc.weight")[0] = 1e308;
    hesse_tape_run(m.tape, m.theta, m.gradient);
    const hesse_fault fault = hesse_tape_fault(m.tape);
    assert_string_equal(m.tape->nodes[fault.node].op->name, "linear");
    assert_int_equal(fault.sequence, 0);
    transformer_free(&m);
}

/* The last norm sets a channel to zero, and the channel is read with weights of 10^160.
   So loss and gradient are finite, and the second derivative in the norm's weight is
   10^320. */
static void panels_are_named(void **state)
{
    (void)state;
    transformer m;
    hesse_arch arch = tiny_gpt2;
    hesse_partition partition;
    hesse_why why;
    arch.tied = false;
    transformer_new(&m, &arch);
    double *head = weight(&m, "lm_head");
    for (int i = 0; i < arch.vocabulary; i++)
        head[i * arch.width] = i % 2 ? 1e160 : -1e160;
    weight(&m, "ln_f.weight")[0] = weight(&m, "ln_f.bias")[0] = 0;
    assert_true(isfinite(hesse_tape_run(m.tape, m.theta, m.gradient)));
    assert_int_equal(hesse_tape_fault(m.tape).node, -1);

    const char *only[] = {"transformer.ln_f.weight"};
    assert_int_equal(
        hesse_partition_new(&m.params, HESSE_CUT_TENSOR, only, 1, &partition, &why),
        HESSE_OK);
    const hesse_kinds all = HESSE_ALL;
    const hesse_panel_options request = {.panel = 4, .shares = 1, .kinds = &all};
    hesse_panels *p = NULL;
    assert_int_equal(
        hesse_panels_new(m.tape, &m.params, &partition, &request, &p, &why), HESSE_OK);
    hesse_panel_threads one = {.panels = &p, .count = 1};
    hesse_sums sums = {0};
    hesse_tally tally = {.blocks = &sums};
    double a[6 * 6], *matrix = a, defect;
    const int count = hesse_panel_threads_begin(&one, (hesse_part){0, 1}, false);
    assert_int_equal(hesse_assemble_local(&one, count, arch.width, &matrix, &tally,
                                          &defect, &(hesse_watch){0}, &why),
                     HESSE_E_NUMERIC);
    assert_non_null(strstr(why.text, "transformer.ln_f.weight: a column"));
    assert_non_null(strstr(why.text, "sequence 0"));
    assert_non_null(strstr(why.text, "(linear_unbiased)"));
    hesse_panels_free(p);
    hesse_partition_free(&partition);
    transformer_free(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_named),
                                       cmocka_unit_test(the_last_pass_is_searched),
                                       cmocka_unit_test(the_first_operator_is_named),
                                       cmocka_unit_test(panels_are_named)};
    return run_cases(argc, argv, tests, NULL, NULL);
}
