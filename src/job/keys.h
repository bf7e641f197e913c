/** The keys that a job file may have: one row for each key. Everything else about keys
 * is derived from these rows: parsing, messages, defaults, the inputs that --force must
 * not replace, the keys that --resume compares, `hesse keys`, the JSON schema, the
 * tables of docs/job.md and the words for shell completion. */
#ifndef HESSE_JOB_KEYS_H
#define HESSE_JOB_KEYS_H

#include "base/owned_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum hesse_key_type {
    HESSE_KEY_PATH,
    HESSE_KEY_TEXT,
    HESSE_KEY_INTEGER,
    HESSE_KEY_NUMBER,
    HESSE_KEY_TRUTH,
    HESSE_KEY_WORD,
    HESSE_KEY_SIZE /* bytes of memory, such as 4GiB */
} hesse_key_type;

/** The results that a key changes. */
typedef enum hesse_key_role {
    HESSE_KEY_NUMBERS, /* the computed numbers: it is part of the job's identity */
    HESSE_KEY_OUTPUT, /* only the choice of written results                           */
    HESSE_KEY_TRAINING,  /* the numbers of training runs                              */
    HESSE_KEY_THEORY,    /* the numbers of `hesse theory`                             */
    HESSE_KEY_LANDSCAPE, /* the numbers of `hesse landscape`                         */
    HESSE_KEY_NEITHER    /* neither; files are identified by their digests, not by their
                            paths */
} hesse_key_role;

/** A word that a key takes, and the value that it means. */
typedef struct hesse_word {
    const char *name; /* NULL ends a list of words */
    int value;
} hesse_word;

/** Limits of numbers that are not plain bounds. */
#define HESSE_ABOVE_0  1e-300
#define HESSE_NO_LIMIT 1e300

/** One key. The struct is long because it has everything that is known about a key. */
typedef struct hesse_key {
    const char *path; /* dotted, with its section: "spectrum.lanczos.steps"          */
    hesse_key_type type;
    bool list;    /* a list of values of the type                          */
    bool repeats; /* words and texts of a list may be equal               */
    bool or_one;  /* a single value stands for a list of one             */
    bool table;   /* a list of texts, written as a mapping of names to lists of them:
                     {a: [x, y]} is the list "a=x", "a=y"                 */
    hesse_key_role role;
    bool in_config;     /* a model.config has it, so it cannot be given beside one */
    bool written;       /* a path that the program writes; it reads the others   */
    const char *inside; /* for a path that may be a folder: the file in it that is read,
                           "*" for all */
    double low, high;   /* limits of a number, both included                     */
    int least, most;    /* limits of a list's length; most also of a text's      */
    const hesse_word
        *words; /* also of a list of numbers: a word in place of the list */
    hesse_word (*word)(int i); /* replaces `words`: gives words of another table     */
    const char *standard; /* the default in YAML, for every family and kind of data */
    const char *paper;    /* the default with spectrum.lanczos.procedure: paper    */
    const char *absent;   /* in words, the rule that applies if there is no default */
    const char *help;     /* one sentence                                          */
    const char *term;     /* words of the library's messages that mean the value; NULL:
                             none                                                  */
    size_t offset, bytes; /* place of the value in a hesse_job, and its size       */
    size_t count;         /* place of the number of values; 0: none                */
} hesse_key;

enum { HESSE_MOST_KEYS = 256 };

/** Local. Row i = 0, 1, ... in the order of the document; NULL after the last one. */
const hesse_key *hesse_key_at(int i);

/** Local. The number of the row with a path; -1 when there is none. */
int hesse_key_find(const char *path);

/** Local. Word i = 0, 1, ... of a key that takes words; its name is NULL after the last
 * one, and already for i = 0 if the key takes no words. And the number of the word with
 * a name; -1: there is none. */
hesse_word hesse_key_word(const hesse_key *key, int i);
int hesse_key_word_named(const hesse_key *key, const char *name);

/** Local. The limits of a number in words, "from 1 to 4096". */
void hesse_key_limits(const hesse_key *key, char text[64]);

/** Local. The keys of family i = 0, 1, ... ("model") or of kind i of data ("data"), and
 * its name. NULL after the last one. */
const hesse_owned_key *hesse_family_keys(int i, const char **name);
const hesse_owned_key *hesse_kind_keys(int i, const char **name);

/** Local. True if a family or kind of data, given by its name, has a key. Keys that no
 * family and no kind lists belong to all.
 *
 *  standard  [out]  the default there, or NULL. */
bool hesse_key_is_of(const hesse_key *key, const char *owner, const char **standard);

/** Local. Write the families or kinds of data that have a key, "gpt2, mlp", or "all
 *  decoders" where all families of decoders have it; "" if all families have it. */
enum { HESSE_OWNERS = 300 };
void hesse_key_owners(const hesse_key *key, char text[HESSE_OWNERS]);

/** Local. Print the keys for people; or the table of a top section in Markdown; or the
 * words to complete after --set, one in each line. */
void hesse_keys_print(FILE *out);
void hesse_keys_markdown(FILE *out, const char *section);
void hesse_keys_words(FILE *out);

/** Local. A JSON schema (draft 2020-12) of job files, as text that the caller frees;
 * NULL when memory is exhausted. */
char *hesse_keys_schema(void);

/** Local. The word for a value of a key that takes words; "" for another value. */
const char *hesse_job_word(const char *path, int value);

#endif /* HESSE_JOB_KEYS_H */
