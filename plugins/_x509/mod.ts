/** X.509 certificates, paths and revocation lists (RFC 5280), shared by the methods that trust certificates. */

export {
  type AlgorithmIdentifier,
  type Certificate,
  certificateName,
  parseAlgorithm,
  parseCertificate,
} from "./certificate.ts";
export { type Crl, readCrls } from "./crl.ts";
export {
  EXTENSION,
  KEY_USAGE,
  parseRawExtensions,
  PURPOSE,
  type RawExtension,
} from "./extensions.ts";
export {
  type GeneralName,
  generalNameText,
  parseGeneralName,
  parseGeneralNames,
} from "./general_name.ts";
export { certificateInfo, serialText } from "./info.ts";
export { attributeValues, COMMON_NAME, nameKey, nameText, parseName } from "./name.ts";
export {
  type CheckedSignatures,
  findPath,
  type Path,
  type PathMaterial,
  type PathOptions,
  type PathResult,
} from "./path.ts";
export { type CertificateKey, certificateKey } from "./public_key.ts";
export { checkRevocation, type RevocationResult } from "./revocation.ts";
export { signatureScheme, verifySigned } from "./signature.ts";
export { readCertificates, splitTrust } from "./trust.ts";
export { isoTime, validityIssue } from "./validity.ts";
