/*
 * A PKCS#11 module that passes everything on to another one (MODULE, with SOFTHSM2_CONF set to CONFIGURATION), except
 * for what these macros change:
 *
 *   SET_FLAGS, CLEAR_FLAGS   flags of every token
 *   KEYPAD                   a login without a PIN is one with PIN, as if it was entered on the token
 *   LOGIN_ANSWER             what C_Login gives, without trying the PIN
 *   SIGN_ANSWER              what C_Sign gives, without signing
 *   NO_LOGIN                 sessions are logged in from the start
 *   OPEN_ANSWER_LATER        what C_OpenSession gives from the second one on, as when the token was removed
 *   BARE_POINTS              elliptic-curve points are not wrapped in an OCTET STRING
 *   ONLY_MECHANISM           the one mechanism that the token has
 *   LOG                      a file that gets a line for each login and each signature
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;
typedef unsigned char CK_BYTE;
typedef struct { CK_ULONG type; void *value; CK_ULONG length; } CK_ATTRIBUTE;
typedef struct { CK_BYTE texts[96]; CK_ULONG flags; CK_BYTE rest[104]; } CK_TOKEN_INFO;
typedef struct { CK_BYTE version[2]; void *functions[68]; } CK_FUNCTION_LIST;

enum { GET_TOKEN_INFO = 6, GET_MECHANISM_LIST = 7, OPEN_SESSION = 12, LOGIN = 18, GET_ATTRIBUTE_VALUE = 24, SIGN = 43 };
enum { CKA_EC_POINT = 0x181 };

#ifndef SET_FLAGS
#define SET_FLAGS 0
#endif
#ifndef CLEAR_FLAGS
#define CLEAR_FLAGS 0
#endif

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;

static void note(const char *line)
{
#ifdef LOG
	FILE *file = fopen(LOG, "a");
	if (file == NULL) return;
	fprintf(file, "%s\n", line);
	fclose(file);
#else
	(void)line;
#endif
}

static CK_RV get_token_info(CK_ULONG slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = ((CK_RV(*)(CK_ULONG, CK_TOKEN_INFO *))real->functions[GET_TOKEN_INFO])(slot, info);
	info->flags = (info->flags | SET_FLAGS) & ~(CK_ULONG)CLEAR_FLAGS;
	return rv;
}

static CK_RV login(CK_ULONG session, CK_ULONG user, CK_BYTE *pin, CK_ULONG length)
{
	note(user == 2 ? "confirm" : "login");
#ifdef LOGIN_ANSWER
	return LOGIN_ANSWER;
#endif
#ifdef KEYPAD
	if (pin != NULL) return 7; /* CKR_ARGUMENTS_BAD */
	pin = (CK_BYTE *)PIN;
	length = strlen(PIN);
#endif
	return ((CK_RV(*)(CK_ULONG, CK_ULONG, CK_BYTE *, CK_ULONG))real->functions[LOGIN])(session, user, pin, length);
}

static CK_RV sign(CK_ULONG session, CK_BYTE *data, CK_ULONG size, CK_BYTE *signature, CK_ULONG *length)
{
	note("sign");
#ifdef SIGN_ANSWER
	return SIGN_ANSWER;
#else
	return ((CK_RV(*)(CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *))real->functions[SIGN])(session, data, size, signature, length);
#endif
}

static CK_RV open_session(CK_ULONG slot, CK_ULONG flags, void *application, void *notify, CK_ULONG *session)
{
	CK_RV rv;
#ifdef OPEN_ANSWER_LATER
	static int opened;
	if (opened++ > 0) return OPEN_ANSWER_LATER;
#endif
	rv = ((CK_RV(*)(CK_ULONG, CK_ULONG, void *, void *, CK_ULONG *))real->functions[OPEN_SESSION])(slot, flags, application, notify, session);
#ifdef NO_LOGIN
	((CK_RV(*)(CK_ULONG, CK_ULONG, CK_BYTE *, CK_ULONG))real->functions[LOGIN])(*session, 1, (CK_BYTE *)PIN, strlen(PIN));
#endif
	return rv;
}

#ifdef BARE_POINTS
static CK_RV get_attribute_value(CK_ULONG session, CK_ULONG object, CK_ATTRIBUTE *asked, CK_ULONG count)
{
	CK_RV rv = ((CK_RV(*)(CK_ULONG, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG))real->functions[GET_ATTRIBUTE_VALUE])(session, object, asked, count);
	if (rv == 0 && count == 1 && asked->type == CKA_EC_POINT && asked->value != NULL) {
		CK_BYTE *bytes = asked->value;
		CK_ULONG head = bytes[1] < 0x80 ? 2 : 2 + (bytes[1] & 0x7f);
		asked->length -= head;
		memmove(bytes, bytes + head, asked->length);
	}
	return rv;
}
#endif

#ifdef ONLY_MECHANISM
static CK_RV get_mechanism_list(CK_ULONG slot, CK_ULONG *mechanisms, CK_ULONG *count)
{
	(void)slot;
	*count = 1;
	if (mechanisms != NULL) mechanisms[0] = ONLY_MECHANISM;
	return 0;
}
#endif

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **result)
{
	if (real == NULL) {
		void *library;
		CK_RV (*get)(CK_FUNCTION_LIST **);
		setenv("SOFTHSM2_CONF", CONFIGURATION, 1);
		library = dlopen(MODULE, RTLD_NOW);
		if (library == NULL) return 5; /* CKR_GENERAL_ERROR */
		*(void **)&get = dlsym(library, "C_GetFunctionList");
		get(&real);
		list = *real;
		list.functions[GET_TOKEN_INFO] = get_token_info;
		list.functions[LOGIN] = login;
		list.functions[SIGN] = sign;
		list.functions[OPEN_SESSION] = open_session;
#ifdef BARE_POINTS
		list.functions[GET_ATTRIBUTE_VALUE] = get_attribute_value;
#endif
#ifdef ONLY_MECHANISM
		list.functions[GET_MECHANISM_LIST] = get_mechanism_list;
#endif
	}
	*result = &list;
	return 0;
}
