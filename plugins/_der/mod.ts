/** Reading and writing ASN.1 DER, and what its identifiers say of keys. */

export { elements, integerValue, oidText, sequence } from "./outline.ts";
export {
  boolean,
  context,
  DerError,
  DerReader,
  type Element,
  integer,
  namedBits,
  octets,
  oid,
  readOnly,
  smallInteger,
  TAG,
  time,
} from "./reader.ts";
export { refusedAlgorithm, refusedCurve } from "./refused_algorithm.ts";
export { encode, encodeBoolean, encodeInteger, encodeOid, encodeSequence } from "./writer.ts";
