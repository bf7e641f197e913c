/* The edit distance is computed row by row; it finds the known word nearest to a
   misspelt one. */
#include "base/nearest.h"

#include <string.h>

enum { MOST = 255 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

int hesse_edits(const char *a, const char *b)
{
    const int n = least((int)strnlen(a, MOST), MOST),
              m = least((int)strnlen(b, MOST), MOST);
    int row[MOST + 1];
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            const int above = row[j];
            row[j] =
                least(least(row[j - 1], above) + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[m];
}

bool hesse_nearest_try(hesse_nearest *n, const char *name)
{
    const int edits = hesse_edits(n->word, name);
    if (n->name && edits >= n->edits) return false;
    n->name = name, n->edits = edits;
    return true;
}
