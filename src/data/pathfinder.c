/* Grey images of 32 x 32 pixels from 0 to 1, with label 1 when both markers lie on one
   contour. A contour ("snake") is a chain of short straight segments that turn a little
   from one to the next. It grows at its head: between segments lies a joint, and the
   next segment's head is a pixel on the circle about it. Pixels near earlier segments
   are taken; the last segment of a snake counts for all other snakes, but not for its
   own, because the next segment may touch it.
   Source: Linsley et al., arXiv:1805.08315, with the sizes of Tay et al.,
   arXiv:2011.04006. */
#include "data/drawn.h"

#include <math.h>
#include <stdbool.h>

enum {
    SIZE = 32,
    PIXELS = SIZE * SIZE,
    LENGTH = 2,  /* of a segment                                  */
    MARGIN = 1,  /* free pixels about a segment                   */
    APART = 7,   /* from the tail of one contour to the other's   */
    SAMPLES = 4, /* of a pixel's side, to measure its covered share */
    STROKES = 96 /* of an image, at most                          */
};

enum {
    TRIES = 3,
    SEEDINGS = 3,
    ATTEMPTS = 1000000,
    DISTRACTORS = 20,
    MOST_CONTOUR = 20
};

static const hesse_owned_key keys[] = {
    {"contour", "14"}, {"distractors", "drawn"}, {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_pathfinder = {
    .name = "pathfinder",
    .help = "Grey images of contours and two markers: do they lie on one contour?",
    .examples =
        1 << HESSE_READS_IMAGES | 1 << HESSE_READS_NUMBERS | 1 << HESSE_READS_IDS,
    .drawn = true,
    .keys = keys,
    .read = read_examples};

_Static_assert(2 * MOST_CONTOUR + DISTRACTORS + 2 <= STROKES, "strokes of an image");
_Static_assert(SIZE == 32, "a row of a mask is a word of 32 bits");

static const double thickness = 0.5, marker_radius = 1.5, degree = M_PI / 180;

/* Brightness of the markers, of the contours that they may lie on, and of other
   contours. */
static const double of_marker = 1, of_contour = 1.5, of_distractor = 2;

typedef struct point {
    double row, col;
} point;

/* A set of pixels, with one bit for each. */
typedef struct mask {
    uint32_t row[SIZE];
} mask;

typedef struct snake {
    point origin, tip, joint;
    double angle; /* radians */
    mask last;    /* of its newest segment */
} snake;

typedef struct stroke {
    point from, to;
    double radius, light;
} stroke;

typedef struct scene {
    hesse_random_stream stream;
    stroke strokes[STROKES];
    int count;
    mask taken;
} scene;

static point moved(point p, double angle, double by)
{
    return (point){p.row + by * sin(angle), p.col + by * cos(angle)};
}

static point rounded(point p)
{
    return (point){ceil(p.row - 0.5), ceil(p.col - 0.5)};
}

static bool inside(point p)
{
    return p.row >= 0 && p.col >= 0 && p.row <= SIZE - 1 && p.col <= SIZE - 1;
}

static bool has(const mask *m, int row, int col)
{
    return m->row[row] >> col & 1;
}

static bool meet(const mask *a, const mask *b)
{
    for (int i = 0; i < SIZE; i++)
        if (a->row[i] & b->row[i]) return true;
    return false;
}

static void merge(const mask *from, mask *to)
{
    for (int i = 0; i < SIZE; i++) to->row[i] |= from->row[i];
}

/* The pixels of a set and their neighbours. */
static mask dilated(const mask *m)
{
    mask wide = {{0}}, d = *m;
    for (int i = 0; i < SIZE; i++)
        wide.row[i] = m->row[i] | m->row[i] << 1 | m->row[i] >> 1;
    for (int i = 0; i < SIZE; i++)
        d.row[i] = wide.row[i] | (i ? wide.row[i - 1] : 0) |
                   (i + 1 < SIZE ? wide.row[i + 1] : 0);
    return d;
}

/* The distance from a point to a segment. */
static double away(point p, point from, point to)
{
    const double dr = to.row - from.row, dc = to.col - from.col;
    const double square = dr * dr + dc * dc;
    double t =
        square > 0 ? ((p.row - from.row) * dr + (p.col - from.col) * dc) / square : 0;
    t = fmin(fmax(t, 0), 1);
    return hypot(from.row + t * dr - p.row, from.col + t * dc - p.col);
}

/* The rows or columns from a to b, and those at most `near` away from them. */
typedef struct range {
    int from, to;
} range;

static range about(double a, double b, double near)
{
    const double from = floor(fmin(a, b) - near), to = ceil(fmax(a, b) + near);
    return (range){from > 0 ? (int)from : 0, to < SIZE - 1 ? (int)to : SIZE - 1};
}

/* The pixels that a segment covers, and those next to them. */
static mask shadow(point from, point to)
{
    const double near = thickness / 2 + 0.5 + MARGIN;
    const range rows = about(from.row, to.row, near);
    const range cols = about(from.col, to.col, near);
    mask m = {{0}};
    for (int r = rows.from; r <= rows.to; r++)
        for (int c = cols.from; c <= cols.to; c++)
            m.row[r] |= (uint32_t)(away((point){r, c}, from, to) <= near) << c;
    return m;
}

static void add_stroke(scene *s, point from, point to, double radius, double light)
{
    s->strokes[s->count++] = (stroke){from, to, radius, light};
}

/* Adds a segment to a snake and returns true, unless it would touch pixels that are
   taken. */
static bool put(scene *s, snake *x, const mask *other, point from, point to,
                double light)
{
    const mask m = shadow(from, to);
    if (meet(&m, &s->taken) || (other && meet(&m, other))) return false;
    x->last = m;
    add_stroke(s, from, to, thickness / 2, light);
    return true;
}

static bool start(scene *s, snake *x, const mask *other, point tail, double light)
{
    x->angle = (hesse_draw_integer(&s->stream, 360) - 180) * degree;
    x->origin = tail;
    x->tip = rounded(moved(tail, x->angle, LENGTH));
    x->joint = moved(tail, x->angle, -MARGIN);
    const point next = moved(x->joint, x->angle, LENGTH + 2 * MARGIN);
    return inside(x->tip) && inside(next) && put(s, x, other, tail, x->tip, light);
}

typedef struct choice {
    point head;
    double angle, weight;
} choice;

/* Lists the possible heads on the circle about the joint. A head that turns less is
   more likely. No head may touch pixels that are taken. */
static int choices(const scene *s, const snake *x, const mask *other, choice *list,
                   double *sum)
{
    const double radius = LENGTH + MARGIN;
    const range rows = about(x->joint.row, x->joint.row, radius);
    const range cols = about(x->joint.col, x->joint.col, radius);
    mask taken = s->taken;
    int count = 0;
    if (other) merge(other, &taken);
    taken = dilated(&taken);
    *sum = 0;
    for (int r = rows.from; r <= rows.to; r++)
        for (int c = cols.from; c <= cols.to; c++) {
            const double dr = r - x->joint.row, dc = c - x->joint.col;
            if (fabs(hypot(dr, dc) - radius) >= 0.5 || has(&taken, r, c)) continue;
            const double angle = atan2(dr, dc);
            const double turn = fabs(remainder(angle - x->angle, 2 * M_PI));
            const double straight = cos(fmin(turn, M_PI / 2));
            list[count++] = (choice){{r, c}, angle, straight * straight};
            *sum += straight * straight;
        }
    return count;
}

/* Adds one more segment to a snake, if there is room. */
static bool grow(scene *s, snake *x, const mask *other, double light)
{
    choice list[64];
    double sum;
    const mask before = x->last;
    x->joint = rounded(moved(x->joint, x->angle, LENGTH + 2 * MARGIN));
    const int count = choices(s, x, other, list, &sum);
    if (count == 0 || sum < 1e-4) return false;
    for (int attempt = 0; attempt < TRIES; attempt++) {
        double roll = hesse_draw(&s->stream) * sum;
        int i = 0;
        while (i + 1 < count && (roll -= list[i].weight) >= 0) i++;
        const point tail = moved(list[i].head, list[i].angle, -LENGTH);
        if (!put(s, x, other, tail, list[i].head, light)) continue;
        x->tip = list[i].head, x->angle = list[i].angle;
        merge(&before, &s->taken);
        return true;
    }
    return false;
}

static void clear(scene *s)
{
    s->count = 0;
    for (int i = 0; i < SIZE; i++)
        s->taken.row[i] = i == 0 || i == SIZE - 1 ? UINT32_MAX : UINT32_C(1) << 31 | 1;
}

/* Both contours begin in the middle of the image, APART from one another. */
static bool start_both(scene *s, snake x[2])
{
    const int room = SIZE - 4 * APART;
    const int row = hesse_draw_integer(&s->stream, room);
    const int col = hesse_draw_integer(&s->stream, room);
    const point tail = {2 * APART + row, 2 * APART + col};
    if (!start(s, &x[0], NULL, tail, of_contour)) return false;
    for (int attempt = 0; attempt < SEEDINGS; attempt++) {
        const double angle = 2 * M_PI * hesse_draw(&s->stream);
        if (start(s, &x[1], &x[0].last, rounded(moved(tail, angle, APART)), of_contour))
            return true;
    }
    return false;
}

static bool put_both(scene *s, int segments, snake x[2])
{
    clear(s);
    if (!start_both(s, x)) return false;
    for (int i = 1; i < segments; i++)
        for (int j = 0; j < 2; j++)
            if (!grow(s, &x[j], &x[1 - j].last, of_contour)) return false;
    for (int j = 0; j < 2; j++) merge(&x[j].last, &s->taken);
    return true;
}

/* Adds distractors, until their number is reached or the attempts are used up. A
   contour that finds no room leaves nothing. */
static void distract(scene *s, int segments)
{
    const int wanted = DISTRACTORS / segments;
    for (int attempt = 0, found = 0; attempt < 8 * wanted && found < wanted;
         attempt++) {
        scene next = *s;
        snake x;
        const int row = hesse_draw_integer(&next.stream, SIZE);
        const int col = hesse_draw_integer(&next.stream, SIZE);
        bool good = !has(&s->taken, row, col) &&
                    start(&next, &x, NULL, (point){row, col}, of_distractor);
        for (int i = 1; good && i < segments; i++)
            good = grow(&next, &x, NULL, of_distractor);
        if (good) {
            merge(&x.last, &next.taken);
            *s = next, found++;
        }
        s->stream = next.stream;
    }
}

/* The share of a pixel that a stroke covers. */
static double covered(int row, int col, const stroke *x)
{
    int count = 0;
    for (int s = 0; s < SAMPLES * SAMPLES; s++) {
        const int down = s / SAMPLES, across = s % SAMPLES;
        const point p = {row - 0.5 + (down + 0.5) / SAMPLES,
                         col - 0.5 + (across + 0.5) / SAMPLES};
        count += away(p, x->from, x->to) <= x->radius;
    }
    return (double)count / (SAMPLES * SAMPLES);
}

static void paint(const stroke *x, double *light)
{
    const range rows = about(x->from.row, x->to.row, x->radius + 1);
    const range cols = about(x->from.col, x->to.col, x->radius + 1);
    for (int r = rows.from; r <= rows.to; r++)
        for (int c = cols.from; c <= cols.to; c++) {
            double *at = &light[r * SIZE + c];
            *at = fmax(*at, x->light * covered(r, c, x));
        }
}

/* Draws one image, row by row, and its label; false: no contours were found. */
static bool draw_image(int segments, bool alone, uint64_t seed, uint64_t image,
                       double *pixels, int *label)
{
    scene s = {.stream = hesse_random_stream_of(seed, image)};
    snake x[2];
    double light[PIXELS] = {0}, most = 0;
    int attempts = 0;
    *label = hesse_draw_integer(&s.stream, 2);
    while (!put_both(&s, segments, x))
        if (++attempts == ATTEMPTS) return false;
    if (!alone) distract(&s, segments / 3 > 1 ? segments / 3 : 1);
    const int which = hesse_draw_integer(&s.stream, 2);
    const point tip = x[*label ? which : 1 - which].tip;
    add_stroke(&s, x[which].origin, x[which].origin, marker_radius, of_marker);
    add_stroke(&s, tip, tip, marker_radius, of_marker);
    for (int i = 0; i < s.count; i++) paint(&s.strokes[i], light);
    for (int i = 0; i < PIXELS; i++) most = fmax(most, light[i]);
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = (double)lround(255 * light[i] / most) / 255.0;
    return true;
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const hesse_data_kind *kind = &hesse_data_pathfinder;
    const int contour = options->recipe.contour
                            ? options->recipe.contour
                            : (int)hesse_data_default(kind, "contour");
    const hesse_limits limits[] = {
        {"number of segments of a contour", contour, 2, MOST_CONTOUR}};
    const hesse_batch form = {.context = PIXELS,
                              .width = 1,
                              .rows = SIZE,
                              .cols = SIZE,
                              .labels = 1,
                              .classes = 2};
    (void)needs;
    const hesse_status s = hesse_drawn_begin(options, limits, 1, form, batch, why);
    if (s) return s;
    for (int i = 0; i < batch->sequences; i++)
        if (!draw_image(contour, options->recipe.alone, options->seed, (uint64_t)i,
                        batch->x + (size_t)i * PIXELS, &batch->target[i]))
            return hesse_fail(
                why, HESSE_E_JOB,
                "no contours of %d segments were found that fit %d x %d pixels",
                contour, SIZE, SIZE);
    return hesse_drawn_end(kind->name, options->seed, batch, why);
}
