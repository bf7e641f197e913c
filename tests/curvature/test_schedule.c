/* Laws of the schedule for many numbers of ranks and kinds of blocks: groups of ranks
   are nested, every block has a group that is large enough, times add up, and no rank
   waits without need. */
#include "base/memory.h"
#include "check.h"
#include "curvature/schedule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

/* Blocks of some orders, and the work of their panels. */
typedef struct problem {
    hesse_partition partition;
    hesse_block blocks[MOST];
    hesse_work work[MOST];
} problem;

static void set_problem(problem *p, int count, const size_t *sizes)
{
    *p = (problem){.partition = {.count = count, .blocks = p->blocks}};
    for (int b = 0; b < count; b++) {
        p->blocks[b] = (hesse_block){.first = p->partition.size, .size = sizes[b]};
        snprintf(p->blocks[b].name, sizeof p->blocks[b].name, "block%d", b);
        p->work[b].products = 1e6 * (double)sizes[b];
        p->partition.size += sizes[b];
    }
}

static hesse_schedule_options terms_for(int ranks)
{
    return (hesse_schedule_options){.ranks = ranks,
                                    .shares = 1,
                                    .panel = 24,
                                    .threads = 1,
                                    .rates = &hesse_rates_nominal};
}

static hesse_schedule schedule_of(const problem *p, const hesse_schedule_options *terms)
{
    hesse_schedule s;
    hesse_why why = {{0}};
    const hesse_task none = {0};
    assert_int_equal(hesse_schedule_new(&p->partition, &none, p->work, terms, &s, &why),
                     HESSE_OK);
    return s;
}

static double seconds_of(const hesse_task *t)
{
    return t->assembly + t->eigen;
}

static double highest(int count, const double *x)
{
    double most = 0;
    for (int i = 0; i < count; i++) most = fmax(most, x[i]);
    return most;
}

/* At every depth the groups share out the ranks, and each lies in a group of the depth
   before. */
static void groups_lie_in_one_another(void **state)
{
    (void)state;
    for (int ranks = 1; ranks < 70; ranks++)
        for (int depth = 0; depth < 9; depth++)
            for (int r = 0; r < ranks; r++) {
                const hesse_group g = hesse_group_of(ranks, depth, r);
                const hesse_group outer = hesse_group_of(ranks, depth - 1, r);
                assert_in_range(r, g.first, g.first + g.count - 1);
                for (int i = g.first; i < g.first + g.count; i++)
                    assert_int_equal(hesse_group_of(ranks, depth, i).first, g.first);
                assert_true(outer.first <= g.first &&
                            g.first + g.count <= outer.first + outer.count);
                const int least = ranks >> depth;
                assert_in_range(g.count, least ? least : 1, least + 1);
                if (1 << depth >= ranks) assert_int_equal(g.count, 1);
            }
}

/* Every block is there once, by depth, in a group of its depth, and ranks are as busy
   as the tasks say. */
static void check_schedule(const problem *p, const hesse_schedule *s, int ranks)
{
    bool seen[MOST] = {false};
    double busy[MOST] = {0};
    assert_int_equal(s->count, p->partition.count);
    for (int i = 0; i < s->count; i++) {
        const hesse_task *t = &s->tasks[i];
        const hesse_group g = hesse_group_of(ranks, t->depth, t->group.first);
        assert_false(seen[t->block]);
        seen[t->block] = true;
        assert_true(i == 0 || s->tasks[i - 1].depth <= t->depth);
        assert_int_equal(g.first, t->group.first);
        assert_int_equal(g.count, t->group.count);
        const double end = highest(g.count, busy + g.first) + seconds_of(t);
        for (int r = g.first; r < g.first + g.count; r++) busy[r] = end;
    }
    for (int r = 0; r < ranks; r++) assert_true(fabs(busy[r] - s->busy[r]) < 1e-9);
}

static void every_block_has_its_group(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int trial = 0; trial < 300; trial++) {
        size_t sizes[MOST];
        problem p;
        const int count = 1 + rand_r(&seed) % MOST, ranks = 1 + rand_r(&seed) % 40;
        for (int b = 0; b < count; b++) sizes[b] = (size_t)1 << rand_r(&seed) % 14;
        set_problem(&p, count, sizes);
        hesse_schedule_options terms = terms_for(ranks);
        terms.cut = trial % 2;
        hesse_schedule s = schedule_of(&p, &terms);
        check_schedule(&p, &s, ranks);
        hesse_schedule_free(&s);
    }
}

/* Two large blocks on four ranks get two ranks each, also if they are cut out of the
   whole. */
static void large_blocks_get_groups(void **state)
{
    (void)state;
    problem p;
    set_problem(&p, 4, (const size_t[]){4000, 4000, 300, 300});
    for (int cut = 0; cut < 2; cut++) {
        hesse_schedule_options terms = terms_for(4);
        terms.cut = cut;
        hesse_schedule s = schedule_of(&p, &terms);
        check_schedule(&p, &s, 4);
        assert_int_equal(s.tasks[0].group.count, 2);
        assert_int_equal(s.tasks[1].group.count, 2);
        assert_int_not_equal(s.tasks[0].group.first, s.tasks[1].group.first);
        hesse_schedule_free(&s);
    }
}

/* No rank has more work than its share and the largest block. */
static void small_blocks_are_shared_out(void **state)
{
    (void)state;
    size_t sizes[MOST];
    problem p;
    for (int b = 0; b < MOST; b++) sizes[b] = 100 + (size_t)b;
    set_problem(&p, MOST, sizes);
    for (int ranks = 1; ranks <= 16; ranks++) {
        const hesse_schedule_options terms = terms_for(ranks);
        hesse_schedule s = schedule_of(&p, &terms);
        double all = 0, largest = 0;
        check_schedule(&p, &s, ranks);
        for (int i = 0; i < s.count; i++) {
            assert_int_equal(s.tasks[i].group.count, 1);
            all += seconds_of(&s.tasks[i]);
            largest = fmax(largest, seconds_of(&s.tasks[i]));
        }
        assert_true(hesse_schedule_seconds(&s, ranks) <= all / ranks + largest);
        hesse_schedule_free(&s);
    }
}

/* A block takes 128 MB, and a rank may use less. */
static void memory_widens_groups(void **state)
{
    (void)state;
    problem p;
    hesse_schedule s;
    hesse_why why = {{0}};
    const hesse_task none = {0};
    set_problem(&p, 3, (const size_t[]){4000, 100, 100});
    hesse_schedule_options terms = terms_for(8);
    for (double memory = 1e9; memory > 3e7; memory /= 2) {
        terms.memory = memory;
        s = schedule_of(&p, &terms);
        check_schedule(&p, &s, 8);
        for (int i = 0; i < s.count; i++) assert_true(s.tasks[i].bytes <= memory);
        if (memory < 1e8) assert_true(s.tasks[0].group.count > 1);
        hesse_schedule_free(&s);
    }
    terms.memory = 1e7;
    assert_int_equal(hesse_schedule_new(&p.partition, &none, p.work, &terms, &s, &why),
                     HESSE_E_NOMEM);
    assert_non_null(strstr(why.text, "block 'block0' of order 4000"));
    assert_non_null(strstr(why.text, "ranks with as much memory would do"));
}

/* Three ranks make a group of one and a group of two, which can need more memory
   for a matrix. */
static void memory_holds_in_every_group(void **state)
{
    (void)state;
    problem p;
    set_problem(&p, 6, (const size_t[]){400, 300, 300, 300, 300, 290});
    for (int ranks = 1; ranks <= 12; ranks++) {
        hesse_schedule_options terms = terms_for(ranks);
        double least = 0;
        for (int b = 0; b < p.partition.count; b++)
            least = fmax(least, hesse_schedule_need(p.blocks[b].size, &terms));
        for (double more = 1; more < 4; more *= 1.1) {
            terms.memory = more * least;
            hesse_schedule s = schedule_of(&p, &terms);
            check_schedule(&p, &s, ranks);
            for (int i = 0; i < s.count; i++)
                assert_true(s.tasks[i].bytes <= terms.memory);
            hesse_schedule_free(&s);
        }
    }
}

/* Beyond the integers of the libraries, no number of ranks helps. */
static void integers_end(void **state)
{
    (void)state;
    problem p;
    hesse_schedule s;
    hesse_why why = {{0}};
    const hesse_task none = {0};
    set_problem(&p, 1, (const size_t[]){(size_t)1 << 31});
    hesse_schedule_options terms = terms_for(4096);
    terms.memory = 1e15;
    assert_int_equal(hesse_schedule_new(&p.partition, &none, p.work, &terms, &s, &why),
                     HESSE_E_NOMEM);
    assert_non_null(strstr(why.text, "beyond the 2^31 - 1"));
}

/* A machine of half the speed takes twice as long, except for the time of memory. */
static void other_rates_price_the_same_schedule(void **state)
{
    (void)state;
    problem p;
    set_problem(&p, 3, (const size_t[]){900, 500, 400});
    const hesse_rates n = hesse_rates_nominal;
    const hesse_rates half = {n.dgemm / 2,  n.panels / 2,      n.elements / 2,
                              n.chase / 2,  n.tridiagonal / 2, n.bandwidth / 2,
                              n.latency * 2};
    hesse_schedule_options terms = terms_for(1);
    hesse_schedule s = schedule_of(&p, &terms);
    const double before = hesse_schedule_seconds(&s, 1);
    terms.rates = &half;
    hesse_schedule_price(&s, &p.partition, &terms);
    assert_true(before > 0);
    assert_true(fabs(hesse_schedule_seconds(&s, 1) / before - 1.9) < 0.1);
    hesse_schedule_free(&s);
}

/* The time of the whole is added to the time of the blocks, which are cut out of it at
   low cost. */
static void the_whole_is_done_by_all(void **state)
{
    (void)state;
    problem p;
    hesse_schedule s;
    hesse_why why = {{0}};
    set_problem(&p, 2, (const size_t[]){500, 400});
    hesse_schedule_options terms = terms_for(3);
    const hesse_task whole =
        hesse_schedule_whole(900, (hesse_work){.products = 1e9}, &terms);
    terms.cut = true;
    assert_int_equal(hesse_schedule_new(&p.partition, &whole, p.work, &terms, &s, &why),
                     HESSE_OK);
    assert_int_equal(s.whole.group.count, 3);
    for (int r = 0; r < 3; r++) assert_true(s.busy[r] >= seconds_of(&whole));
    for (int i = 0; i < s.count; i++) assert_true(s.tasks[i].work.products == 0);
    hesse_schedule_free(&s);
    assert_int_equal(hesse_schedule_new(&p.partition, &whole, NULL, &terms, &s, &why),
                     HESSE_OK);
    assert_int_equal(s.count, 0);
    assert_true(hesse_schedule_seconds(&s, 3) == seconds_of(&whole));
    hesse_schedule_free(&s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_lie_in_one_another),
        cmocka_unit_test(every_block_has_its_group),
        cmocka_unit_test(large_blocks_get_groups),
        cmocka_unit_test(small_blocks_are_shared_out),
        cmocka_unit_test(memory_widens_groups),
        cmocka_unit_test(memory_holds_in_every_group),
        cmocka_unit_test(integers_end),
        cmocka_unit_test(other_rates_price_the_same_schedule),
        cmocka_unit_test(the_whole_is_done_by_all),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
