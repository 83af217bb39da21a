#include "http/cookies.h"

/* What section 5.1.1 looks for in a date, each as far as it was found. */
struct date {
	bool has_time, has_day, has_month, has_year;
	unsigned hour, minute, second, day, month, year; /* month from 1 */
};

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static bool is_delimiter(char c) {
	unsigned char u = (unsigned char)c;
	return u == '\t' || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) || (u >= 0x5b && u <= 0x60) || (u >= 0x7b && u <= 0x7e);
}

/* Reads `least` to `most` digits from the front of *text, no digit behind them. */
static bool read_digits(struct slice *text, size_t least, size_t most, unsigned *ret) {
	size_t size = 0;
	unsigned value = 0;
	while (size < text->size && size <= most && is_digit(text->at[size])) value = value * 10 + (unsigned)(text->at[size++] - '0');
	if (size < least || size > most) return false;
	*text = (struct slice){text->at + size, text->size - size};
	*ret = value;
	return true;
}

static bool read_colon(struct slice *text) {
	if (!text->size || text->at[0] != ':') return false;
	*text = (struct slice){text->at + 1, text->size - 1};
	return true;
}

static bool read_time(struct slice token, struct date *date) {
	unsigned hour, minute, second;
	if (!read_digits(&token, 1, 2, &hour) || !read_colon(&token) || !read_digits(&token, 1, 2, &minute) || !read_colon(&token) ||
		!read_digits(&token, 1, 2, &second))
		return false;
	date->hour = hour;
	date->minute = minute;
	date->second = second;
	return true;
}

static bool read_month(struct slice token, unsigned *ret) {
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	if (token.size < 3) return false;
	for (unsigned i = 0; i < 12; i++) {
		if (!slice_equal_nocase((struct slice){token.at, 3}, (struct slice){names + 3 * (size_t)i, 3})) continue;
		*ret = i + 1;
		return true;
	}
	return false;
}

/* Step 2 of the algorithm. */
static void read_token(struct slice token, struct date *date) {
	if (!date->has_time && (date->has_time = read_time(token, date))) return;
	struct slice rest = token;
	if (!date->has_day && (date->has_day = read_digits(&rest, 1, 2, &date->day))) return;
	if (!date->has_month && (date->has_month = read_month(token, &date->month))) return;
	if (!date->has_year) date->has_year = read_digits(&token, 2, 4, &date->year);
}

static bool is_leap(unsigned year) {
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Steps 5 and 6. */
static bool is_valid(const struct date *date) {
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (!date->has_time || !date->has_day || !date->has_month || !date->has_year) return false;
	if (date->year < 1601 || date->hour > 23 || date->minute > 59 || date->second > 59) return false;
	unsigned last = days[date->month - 1] + (date->month == 2 && is_leap(date->year));
	return date->day >= 1 && date->day <= last;
}

/* Days from 1970-01-01: those of whole years and of months, of years that begin in March, so that 29 February is the last day of one. */
static int64_t count_days(const struct date *date) {
	int64_t year = (int64_t)date->year - (date->month <= 2), month = (date->month + 9) % 12; /* March is 0 */
	return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + date->day - 1 - 719468;
}

bool cookies_read_date(struct slice text, int64_t *ret) {
	struct date date = {0};
	for (size_t at = 0; at < text.size;) {
		size_t from = at;
		while (at < text.size && !is_delimiter(text.at[at])) at++;
		if (at > from) read_token((struct slice){text.at + from, at - from}, &date);
		at++;
	}
	if (date.has_year && date.year <= 99) date.year += date.year >= 70 ? 1900 : 2000;
	if (!is_valid(&date)) return false;
	*ret = count_days(&date) * 86400 + date.hour * 3600 + date.minute * 60 + date.second;
	return true;
}
