/* The rANS of FORMAT.md §5 in plain C: the same lanes, tables and bytes as assembly/entropy/rans.ts, no intrinsics.
 *
 *     gcc -O3 -o rans rans.c && ./rans INPUT LANES ROUNDS
 *
 * INPUT: u32 count; 1024 rows of 72 × i16 (entry 0 is -1, then the last slot of each symbol, padded with 32767);
 * u16 rows[count]; u16 symbols[count]. Prints one line of JSON: CPU nanoseconds per symbol of every round, the length and the
 * FNV-1a hash of the stream. Fails when the decoder does not give the symbols back.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 1024, ROW_ENTRIES = 72, MAXIMUM_LANES = 8 };
static const uint32_t LOWEST_STATE = 1u << 23;

static int16_t tables[ROWS][ROW_ENTRIES];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Encodes backwards, bytes growing downwards from `end`. Returns where the stream starts. */
static uint8_t *encode(const uint16_t *rows, const uint16_t *symbols, uint32_t count, uint32_t lanes, uint8_t *end) {
  uint32_t states[MAXIMUM_LANES];
  for (uint32_t lane = 0; lane < lanes; lane++) states[lane] = LOWEST_STATE;
  for (uint32_t index = count; index-- > 0;) {
    const int16_t *row = tables[rows[index]] + symbols[index];
    const uint32_t start = (uint32_t)(row[0] + 1);
    const uint32_t frequency = (uint32_t)(row[1] - row[0]);
    uint32_t state = states[index & (lanes - 1)];
    while (state >= frequency << 16) {
      *--end = (uint8_t)state;
      state >>= 8;
    }
    states[index & (lanes - 1)] = (state / frequency << 15) + state % frequency + start;
  }
  for (uint32_t lane = lanes; lane-- > 0;) {
    end -= 4;
    memcpy(end, &states[lane], 4);
  }
  return end;
}

/* Returns whether the stream ended as it must. */
static int decode(const uint8_t *bytes, const uint8_t *limit, const uint16_t *rows, uint32_t count, uint32_t lanes, uint16_t *out) {
  uint32_t states[MAXIMUM_LANES];
  for (uint32_t lane = 0; lane < lanes; lane++, bytes += 4) memcpy(&states[lane], bytes, 4);
  for (uint32_t index = 0; index < count; index++) {
    uint32_t state = states[index & (lanes - 1)];
    const int32_t slot = (int32_t)(state & 0x7fff);
    const int16_t *row = tables[rows[index]];
    uint32_t symbol = 0;
    while (row[symbol + 1] < slot) symbol++;
    out[index] = (uint16_t)symbol;
    state = (uint32_t)(row[symbol + 1] - row[symbol]) * (state >> 15) + (uint32_t)(slot - row[symbol] - 1);
    while (state < LOWEST_STATE) {
      if (bytes == limit) return 0;
      state = state << 8 | *bytes++;
    }
    states[index & (lanes - 1)] = state;
  }
  for (uint32_t lane = 0; lane < lanes; lane++)
    if (states[lane] != LOWEST_STATE) return 0;
  return bytes == limit;
}

static void print(const char *name, const double *values, int count) {
  printf("\"%s\":[", name);
  for (int i = 0; i < count; i++) printf("%s%.4f", i ? "," : "", values[i]);
  printf("],");
}

int main(int argc, char **argv) {
  uint32_t count;
  FILE *file = argc == 4 ? fopen(argv[1], "rb") : NULL;
  if (!file || fread(&count, 4, 1, file) != 1 || fread(tables, sizeof tables, 1, file) != 1) return 2;
  const uint32_t lanes = (uint32_t)atoi(argv[2]);
  const int rounds = atoi(argv[3]);
  const size_t room = 64 + 4 * (size_t)count;
  uint16_t *rows = malloc(2 * (size_t)count), *symbols = malloc(2 * (size_t)count), *decoded = malloc(2 * (size_t)count);
  uint8_t *buffer = malloc(room), *stream = buffer;
  double *encoding = calloc((size_t)rounds, sizeof(double)), *decoding = calloc((size_t)rounds, sizeof(double));
  if (!rows || !symbols || !decoded || !buffer || !encoding || !decoding) return 2;
  if (fread(rows, 2, count, file) != count || fread(symbols, 2, count, file) != count) return 2;
  fclose(file);
  for (int round = 0; round < rounds; round++) {
    double start = now();
    stream = encode(rows, symbols, count, lanes, buffer + room);
    encoding[round] = (now() - start) / count;
    start = now();
    const int ended = decode(stream, buffer + room, rows, count, lanes, decoded);
    decoding[round] = (now() - start) / count;
    if (!ended || memcmp(symbols, decoded, 2 * (size_t)count) != 0) return 1;
  }
  uint32_t hash = 2166136261u;
  for (const uint8_t *byte = stream; byte < buffer + room; byte++) hash = (hash ^ *byte) * 16777619u;
  printf("{");
  print("encode", encoding, rounds);
  print("decode", decoding, rounds);
  printf("\"length\":%zu,\"hash\":%u}\n", (size_t)(buffer + room - stream), hash);
  return 0;
}
