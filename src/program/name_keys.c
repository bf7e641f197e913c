/* A message below the program says "tokens.npy: No such file or directory" and does not
   know that this file is data.tokens. The table of keys does. */
#include "program/name_keys.h"

#include "job/keys.h"

#include <stdio.h>
#include <string.h>

/* The ways in which a message can be about the file of a key. */
typedef enum match { NONE, INSIDE, EXACT } match;

static match match_path(const hesse_key *key, const char *path, const char *text)
{
    const size_t length = strlen(path);
    if (strncmp(text, path, length) != 0) return NONE;
    const char *rest = text + length;
    if (*rest == ':') return EXACT;
    if (*rest != '/') return NONE;
    const size_t inside = key->inside ? strlen(key->inside) : 0;
    return inside && strncmp(rest + 1, key->inside, inside) == 0 ? EXACT : INSIDE;
}

static match match_file(const hesse_job *job, int i, const char *text)
{
    const hesse_key *key = hesse_key_at(i);
    const char *const *paths;
    match best = NONE;
    if (key->type != HESSE_KEY_PATH || key->written) return NONE;
    const int count = hesse_job_paths_of(job, i, &paths);
    for (int p = 0; p < count; p++) {
        const match m = match_path(key, paths[p], text);
        if (m > best) best = m;
    }
    return best;
}

/* Return true if the family or kind of data has the key, and the message its term. */
static bool has_term(const hesse_job *job, const hesse_key *key, const char *text)
{
    const char *standard;
    const bool of_model = strncmp(key->path, "model.", 6) == 0;
    return key->term && strstr(text, key->term) &&
           hesse_key_is_of(key, of_model ? job->arch.family : job->data.kind,
                           &standard);
}

void hesse_name_keys(const hesse_job *job, hesse_why *why)
{
    char text[sizeof why->text];
    bool terms = false;
    match best = INSIDE;
    strcpy(text, why->text);
    for (int i = 0; hesse_key_at(i); i++) {
        terms |= has_term(job, hesse_key_at(i), text);
        if (match_file(job, i, text) > best) best = EXACT;
    }
    int count = 0;
    char keys[256] = "";
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        const size_t at = strlen(keys);
        if (terms ? !has_term(job, key, text) : match_file(job, i, text) < best)
            continue;
        snprintf(keys + at, sizeof keys - at, "%s%s", count++ ? ", " : "", key->path);
    }
    const size_t at = strlen(text);
    if (count)
        snprintf(why->text + at, sizeof why->text - at, " (key%s: %s)",
                 count > 1 ? "s" : "", keys);
}
