/* NeXus is a convention about attributes of groups: viewers such as h5web and silx draw
   the dataset `signal` of a group of the class NXdata, and follow `default` from the
   root until they meet such a group. The schema says what can be drawn and in which
   order. The datasets of the file are put into a tree of its groups, and every group
   takes the best of its datasets, or else the best of its groups. */
#include "output/store.h"

#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SIGNALS = 16, AXES = 2 };

typedef struct member {
    const hesse_written *set;
    struct member *next;
} member;

typedef struct group {
    char path[HESSE_PATH]; /* "/" for the root */
    const char *name;      /* the last name of the path */
    struct group *first, *last, *next;
    member *members, *last_member;
    const hesse_written *signal; /* NULL: none of its datasets is drawn */
    const struct group *best;    /* of the groups in it that can be drawn, or NULL */
    int draw;                    /* its place in the group above; 0: nothing to draw */
} group;

static void free_group(group *g)
{
    while (g) {
        group *next = g->next;
        free_group(g->first);
        while (g->members) {
            member *m = g->members;
            g->members = m->next;
            free(m);
        }
        free(g);
        g = next;
    }
}

/* Find a group in another one, or add it. Datasets of a group were written together, so
   the last group is looked at first. Returns NULL when memory is exhausted. */
static group *enter(group *above, const char *path, size_t length, size_t name)
{
    const size_t same = length - name;
    group *g = above->last;
    if (g && (strncmp(g->name, path + name, same) != 0 || g->name[same]))
        for (g = above->first; g; g = g->next)
            if (strncmp(g->name, path + name, same) == 0 && !g->name[same]) break;
    if (g) return g;
    g = hesse_calloc(1, sizeof *g);
    if (!g) return NULL;
    memcpy(g->path, path, length);
    g->name = g->path + name;
    if (above->last)
        above->last->next = g;
    else
        above->first = g;
    return above->last = g;
}

static bool add(group *root, const hesse_written *w)
{
    group *g = root;
    const char *path = w->path + (*w->path == '/'), *name = path; /* from the root */
    for (const char *slash; g && (slash = strchr(name, '/')); name = slash + 1)
        g = enter(g, path, (size_t)(slash - path), (size_t)(name - path));
    member *m = g ? hesse_calloc(1, sizeof *m) : NULL;
    if (!m) return false;
    m->set = w;
    if (g->last_member)
        g->last_member->next = m;
    else
        g->members = m;
    g->last_member = m;
    return true;
}

/* Find the best of everything in a group. */
static void choose(group *g)
{
    int best = INT_MAX;
    for (const member *m = g->members; m; m = m->next)
        if (m->set->draw && (!g->signal || m->set->draw < g->signal->draw))
            g->signal = m->set;
    for (group *below = g->first; below; below = below->next) {
        choose(below);
        if (below->draw && below->draw < best) best = below->draw, g->best = below;
    }
    if (!g->signal && !g->best) return;
    const hesse_schema_row *row = hesse_schema_find(g->path, NULL);
    g->draw = row && row->draw ? row->draw : g->signal ? g->signal->draw : best;
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Returns the number of dimensions. */
static int shape_of(hid_t file, const hesse_written *w, hsize_t extent[AXES])
{
    const hid_t set = H5Dopen2(file, w->path, H5P_DEFAULT), space = H5Dget_space(set);
    extent[0] = extent[1] = 1;
    const int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    H5Sclose(space);
    H5Dclose(set);
    return rank;
}

/* Numbers in the same group are the coordinates of an axis. A viewer counts the entries
   of any other axis, as it cannot use names, and a dimension without coordinates has no
   numbers. */
static const char *coordinates_of(const group *g, const hesse_axis_name *axis)
{
    if (axis->scale)
        for (const member *m = g->members; m; m = m->next)
            if (m->set->content != HESSE_CONTENT_TEXT &&
                strcmp(last_name(m->set->path), last_name(axis->scale)) == 0)
                return last_name(m->set->path);
    return ".";
}

/* The other datasets in the same place of the order that have the shape of the signal.
   A viewer draws curves into one picture, so they must have the same units. */
static size_t find_companions(hid_t file, const group *g, const char **names)
{
    hsize_t extent[AXES], other[AXES];
    const int rank = shape_of(file, g->signal, extent);
    size_t count = 0;
    for (const member *m = g->members; m && count < MOST_SIGNALS; m = m->next)
        if (m->set != g->signal && m->set->draw == g->signal->draw &&
            (rank > 1 || strcmp(m->set->units, g->signal->units) == 0) &&
            shape_of(file, m->set, other) == rank && other[0] == extent[0] &&
            other[1] == extent[1])
            names[count++] = last_name(m->set->path);
    return count;
}

static void write_signal(hesse_store *store, const group *g)
{
    const char *names[MOST_SIGNALS], *axes[AXES];
    hsize_t extent[AXES];
    const int rank = shape_of(store->file, g->signal, extent);
    const size_t count = find_companions(store->file, g, names);
    for (int i = 0; i < rank; i++) axes[i] = coordinates_of(g, &g->signal->axes[i]);
    hesse_store_note_text(store, g->path, "signal", last_name(g->signal->path));
    if (count)
        hesse_store_note_texts(store, g->path, "auxiliary_signals", count, names);
    hesse_store_note_texts(store, g->path, "axes", (size_t)rank, axes);
}

static void write_group(hesse_store *store, const group *g)
{
    const bool root = !*g->name, top = !strchr(g->path, '/');
    hesse_store_note_text(store, g->path, "NX_class",
                          root             ? "NXroot"
                          : g->signal      ? "NXdata"
                          : top && g->best ? "NXentry"
                                           : "NXcollection");
    if (g->signal)
        write_signal(store, g);
    else if (g->best)
        hesse_store_note_text(store, g->path, "default", g->best->name);
    for (const group *below = g->first; below; below = below->next)
        write_group(store, below);
}

void hesse_store_describe(hesse_store *store)
{
    group *root = hesse_calloc(1, sizeof *root);
    bool good = root;
    if (root) root->path[0] = '/', root->name = root->path + 1;
    for (const hesse_written *w = store->first; good && w && !store->status;
         w = w->next)
        good = add(root, w);
    if (!good) hesse_store_no_memory(store);
    if (root && !store->status) {
        store->prefix = "";
        choose(root);
        write_group(store, root);
    }
    free_group(root);
}
