#ifndef MEASURE_H
#define MEASURE_H

/* Units that the library knows, for --version. */
#define MEASURE_UNITS "celsius"

double celsius_to_fahrenheit(double celsius);

#endif
