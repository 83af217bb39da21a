#include "record/parcel_bytes.h"

void parcel_flush(struct parcel_out *out) {
	buf_add(out->buf, (struct slice){(const char *)out->chunk, out->used});
	out->used = 0;
}

void parcel_refuse(struct parcel_in *in, const char *why) {
	if (in->why) return;
	in->why = why;
	in->fault_at = (size_t)(in->at - in->begin);
	in->at = in->end;
}

uint64_t parcel_take_long(struct parcel_in *in) {
	uint64_t number = 0;
	for (unsigned shift = 0; shift < 7 * PARCEL_NUMBER_MAX; shift += 7) {
		if (in->at == in->end) {
			parcel_refuse(in, "it is cut off");
			return 0;
		}
		uint64_t byte = *in->at++;
		if (shift == 63 && byte > 1) break;
		number |= (byte & 127) << shift;
		if (byte > 127) continue;
		if (byte == 0) break; /* it would be shorter without */
		return number;
	}
	parcel_refuse(in, "a number is not as strest writes it");
	return 0;
}
