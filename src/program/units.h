/** Numbers as people read them. */
#ifndef HESSE_PROGRAM_UNITS_H
#define HESSE_PROGRAM_UNITS_H

enum { HESSE_UNITS = 32 }; /* bytes of a text, with its end */

/** Local. "4.12 GiB", "1.44 Tflop". Each returns its text. */
const char *hesse_units_bytes(double value, char text[HESSE_UNITS]);
const char *hesse_units_flop(double value, char text[HESSE_UNITS]);

/** Local. Seconds in the two largest units that are not zero: "8 s", "3 min 20 s",
 *  "2 d 4 h"; below ten "7.5 s", "0.012 s". */
const char *hesse_units_time(double seconds, char text[HESSE_UNITS]);

#endif /* HESSE_PROGRAM_UNITS_H */
