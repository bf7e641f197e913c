/* A variant is a mapping with the form of a job, which is merged over the job. `full`
   is one such mapping. `sweep` has axes: a key with a list of values, written in its
   section as in a job, or a name with named points, each of which is such a mapping. A
   point of the sweep is one choice for every axis; the last axis changes fastest. */
#include "job/variants.h"

#include "job/values.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 200, MOST_POINTS = 4096, LONGEST_NAME = 200 };

/* An axis: its key ("model.kernel"), or "" if its points have names; and the list of
   its values, or the mapping of its points. */
typedef struct axis {
    char key[PATH];
    const hesse_yaml *node;
    int count;
} axis;

typedef struct reading {
    axis axes[HESSE_MOST_AXES];
    hesse_job_sweep *sweep;
    hesse_why *why;
} reading;

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the job file");
}

static hesse_status wrong(const reading *r, const hesse_yaml *n, const char *path,
                          const char *expected)
{
    return hesse_fail(r->why, HESSE_E_JOB, "%s: '%s' is %s, expected %s",
                      hesse_yaml_where(n).text, path, hesse_yaml_found(n).text,
                      expected);
}

static bool is_section(const char *name)
{
    const size_t length = strlen(name);
    const hesse_key *key;
    for (int i = 0; (key = hesse_key_at(i)); i++)
        if (strncmp(key->path, name, length) == 0 && key->path[length] == '.')
            return true;
    return false;
}

static int entries(const hesse_yaml *node)
{
    int count = 0;
    for (const hesse_yaml *n = node->first; n; n = n->next) count++;
    return count;
}

static const hesse_yaml *entry(const hesse_yaml *node, int i)
{
    const hesse_yaml *n = node->first;
    while (i--) n = n->next;
    return n;
}

/* The name of a point of an axis, which becomes a part of the name of a folder. */
static void label_of(const hesse_yaml *point, char label[HESSE_LABEL])
{
    label[0] = '\0';
    if (point->key)
        snprintf(label, HESSE_LABEL, "%s", point->key);
    else if (point->kind == HESSE_YAML_SCALAR)
        snprintf(label, HESSE_LABEL, "%s", point->text);
    for (const hesse_yaml *n = point->kind == HESSE_YAML_LIST ? point->first : NULL; n;
         n = n->next) {
        const size_t at = strlen(label);
        snprintf(label + at, HESSE_LABEL - at, "%s%s", at ? "_" : "",
                 n->text ? n->text : "");
    }
    for (char *c = label; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("+-._", *c)) *c = '_';
}

static hesse_status add_axis(reading *r, const char *key, const hesse_yaml *node,
                             const char *name)
{
    char label[HESSE_LABEL], other[HESSE_LABEL], path[PATH + 8];
    hesse_job_sweep *w = r->sweep;
    axis *a = &r->axes[w->axes];
    snprintf(path, sizeof path, "sweep.%s", *key ? key : name);
    if (w->axes == HESSE_MOST_AXES)
        return hesse_fail(r->why, HESSE_E_JOB, "%s: 'sweep' has more than %d axes",
                          hesse_yaml_where(node).text, HESSE_MOST_AXES);
    for (int i = 0; i < w->axes; i++)
        if (strcmp(w->axis[i], name) == 0)
            return hesse_fail(r->why, HESSE_E_JOB,
                              "%s: 'sweep' has two axes called '%s'; points with names "
                              "can hold both keys",
                              hesse_yaml_where(node).text, name);
    if (!node->first) return wrong(r, node, path, "one that is not empty");
    a->node = node, a->count = entries(node);
    snprintf(a->key, sizeof a->key, "%s", key);
    for (int i = 0; i < a->count; i++) {
        const hesse_yaml *n = entry(node, i);
        const bool fits =
            *key ? n->kind != HESSE_YAML_MAPPING : n->kind == HESSE_YAML_MAPPING;
        if (!fits)
            return wrong(r, n, path,
                         *key ? "a list of values"
                              : "points with overrides, such as "
                                "{small: {model: {layers: 1}}}");
        label_of(n, label);
        for (int j = 0; j < i; j++) {
            label_of(entry(node, j), other);
            if (strcmp(label, other) == 0)
                return hesse_fail(r->why, HESSE_E_JOB,
                                  "%s: '%s' has two points called '%s'",
                                  hesse_yaml_where(n).text, path, label);
        }
    }
    if (a->count > MOST_POINTS / w->points)
        return hesse_fail(r->why, HESSE_E_JOB, "%s: 'sweep' has more than %d points",
                          hesse_yaml_where(node).text, MOST_POINTS);
    w->points *= a->count;
    snprintf(w->axis[w->axes++], HESSE_LABEL, "%s", name);
    return HESSE_OK;
}

/* Find the lists in a section. */
static hesse_status find_keys(reading *r, const hesse_yaml *node, const char *path)
{
    char inner[PATH];
    hesse_status s = HESSE_OK;
    if (node->kind == HESSE_YAML_LIST) return add_axis(r, path, node, node->key);
    if (node->kind != HESSE_YAML_MAPPING) {
        snprintf(inner, sizeof inner, "sweep.%.150s", path);
        return wrong(r, node, inner, "a list of values");
    }
    for (const hesse_yaml *n = node->first; !s && n; n = n->next) {
        if (snprintf(inner, sizeof inner, "%s.%s", path, n->key) >= PATH)
            return wrong(r, n, "sweep", "a shorter key");
        s = find_keys(r, n, inner);
    }
    return s;
}

static hesse_status find_axes(reading *r, const hesse_yaml *sweep)
{
    hesse_status s = HESSE_OK;
    if (sweep->kind != HESSE_YAML_MAPPING || !sweep->first)
        return wrong(r, sweep, "sweep",
                     "keys with lists of values, or axes with named points");
    for (const hesse_yaml *n = sweep->first; !s && n; n = n->next)
        if (is_section(n->key))
            s = find_keys(r, n, n->key);
        else if (n->kind == HESSE_YAML_MAPPING)
            s = add_axis(r, "", n, n->key);
        else
            s = wrong(r, n, n->key, "a section of the job, or a mapping of points");
    return s;
}

/* Set the labels of point p, and its name. */
static void name_point(reading *r, int p)
{
    hesse_job_sweep *w = r->sweep;
    w->point = p, w->name[0] = '\0';
    for (int i = w->axes - 1; i >= 0; i--) {
        assert(r->axes[i].count > 0);
        label_of(entry(r->axes[i].node, p % r->axes[i].count), w->label[i]);
        p /= r->axes[i].count;
    }
    for (int i = 0; i < w->axes; i++) {
        const size_t at = strlen(w->name);
        snprintf(w->name + at, sizeof w->name - at, "%s%s-%s", at ? "-" : "",
                 w->axis[i], w->label[i]);
    }
}

static hesse_status find_point(reading *r, const char *name, int *point)
{
    char names[300] = "";
    for (int p = 0; p < r->sweep->points; p++) {
        name_point(r, p);
        *point = p;
        if (strcmp(r->sweep->name, name) == 0) return HESSE_OK;
        const size_t at = strlen(names);
        if (at < 200)
            snprintf(names + at, sizeof names - at, "%s%.90s", at ? ", " : "",
                     r->sweep->name);
    }
    return hesse_fail(r->why, HESSE_E_JOB,
                      "--point: found '%.100s', expected one of the %d points of the "
                      "sweep: %s%s",
                      name, r->sweep->points, names,
                      strlen(names) < 200 ? "" : ", ...");
}

/* Merge the overrides of the point that was chosen. */
static hesse_status merge_point(const reading *r, hesse_yaml *root)
{
    for (int i = 0, p = r->sweep->point, rest = r->sweep->points; i < r->sweep->axes;
         i++) {
        const axis *a = &r->axes[i];
        assert(a->count > 0);
        rest /= a->count;
        hesse_yaml *tree = hesse_tree_copy(entry(a->node, p / rest % a->count));
        if (tree && *a->key) tree = hesse_tree_wrap_path(a->key, strlen(a->key), tree);
        if (!tree) return exhausted(r->why);
        hesse_tree_merge(root, tree);
    }
    return HESSE_OK;
}

static hesse_status apply_full(hesse_yaml *root, hesse_yaml *full, const char *path,
                               bool chosen, hesse_why *why)
{
    hesse_values values = {0};
    if (!full && chosen)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: has no section 'full', and --full asks for it", path);
    if (!full) return HESSE_OK;
    if (full->kind != HESSE_YAML_MAPPING || !full->first)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: 'full' is %s, expected overrides of sections",
                          hesse_yaml_where(full).text, hesse_yaml_found(full).text);
    hesse_yaml *sweep = hesse_tree_take(full, "sweep");
    hesse_status s = hesse_values_read(full, &values, why);
    hesse_yaml *copy = !s && chosen ? hesse_tree_copy(full) : NULL;
    if (copy) hesse_tree_merge(root, copy);
    if (!s && chosen && !copy) s = exhausted(why);
    if (copy && sweep) {
        sweep = hesse_tree_wrap("sweep", strlen("sweep"), sweep);
        if (sweep) hesse_tree_merge(root, sweep);
        return sweep ? HESSE_OK : exhausted(why);
    }
    hesse_tree_free(sweep);
    return s;
}

hesse_status hesse_variants_apply(hesse_yaml *root, const char *path,
                                  const hesse_job_choice *choice,
                                  hesse_job_sweep *sweep, hesse_why *why)
{
    *sweep = (hesse_job_sweep){.points = 1};
    reading r = {.sweep = sweep, .why = why};
    hesse_yaml *full = hesse_tree_take(root, "full");
    hesse_status s = apply_full(root, full, path, choice->full, why);
    hesse_tree_free(full);
    hesse_yaml *node = hesse_tree_take(root, "sweep");
    int point = choice->point;
    if (!s && choice->name && !node)
        s = hesse_fail(why, HESSE_E_JOB,
                       "%s: has no section 'sweep', and --point asks for one of its "
                       "points",
                       path);
    if (!s && node) s = find_axes(&r, node);
    if (!s && node && choice->name) s = find_point(&r, choice->name, &point);
    if (!s && node) name_point(&r, point);
    if (!s && strlen(sweep->name) > LONGEST_NAME)
        s = hesse_fail(why, HESSE_E_JOB,
                       "%s: the name of a point of 'sweep' has %zu bytes, expected at "
                       "most %d; named points may have shorter names",
                       path, strlen(sweep->name), LONGEST_NAME);
    if (!s && node) s = merge_point(&r, root);
    hesse_tree_free(node);
    return s;
}
