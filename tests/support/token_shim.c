/*
 * A PKCS#11 module that passes everything on to another one (MODULE, with SOFTHSM2_CONF set to CONFIGURATION), except
 * for what these macros change:
 *
 *   SET_FLAGS, CLEAR_FLAGS   flags of every token
 *   KEYPAD                   a login without a PIN is one with PIN, as if it was entered on the token
 *   LOGIN_ANSWER             what C_Login gives, without trying the PIN
 *   FIND_ANSWER              what C_FindObjects gives; then C_FindObjectsFinal says that there is no search
 *   SIGN_ANSWER              what C_Sign gives, without signing
 *   SIGN_LENGTH              how long C_Sign says that its signature is
 *   CRASH                    C_Sign ends the process
 *   LATER_LENGTH             how long an attribute is when its value is asked for, after its length was
 *   NO_LIST                  there is no function list
 *   NO_FUNCTION              position in the function list of one that is missing
 *   NO_TOKEN_AFTER_LOGIN     what C_GetTokenInfo gives after a login was tried
 *   NO_LOGIN                 sessions are logged in from the start
 *   OPEN_ANSWER_LATER        what C_OpenSession gives from the second one on, as when the token was removed or has only one
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

enum { GET_TOKEN_INFO = 6, GET_MECHANISM_LIST = 7, OPEN_SESSION = 12, LOGIN = 18, GET_ATTRIBUTE_VALUE = 24, FIND_OBJECTS = 27, FIND_OBJECTS_FINAL = 28, SIGN = 43 };
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

#ifdef NO_TOKEN_AFTER_LOGIN
static int login_tried;
#endif

static CK_RV get_token_info(CK_ULONG slot, CK_TOKEN_INFO *info)
{
	CK_RV rv;
#ifdef NO_TOKEN_AFTER_LOGIN
	if (login_tried) return NO_TOKEN_AFTER_LOGIN;
#endif
	rv = ((CK_RV(*)(CK_ULONG, CK_TOKEN_INFO *))real->functions[GET_TOKEN_INFO])(slot, info);
	info->flags = (info->flags | SET_FLAGS) & ~(CK_ULONG)CLEAR_FLAGS;
	return rv;
}

static CK_RV login(CK_ULONG session, CK_ULONG user, CK_BYTE *pin, CK_ULONG length)
{
	note(user == 2 ? "confirm" : "login");
#ifdef NO_TOKEN_AFTER_LOGIN
	login_tried = 1;
#endif
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
	CK_RV rv;
	note("sign");
#ifdef SIGN_ANSWER
	return SIGN_ANSWER;
#endif
#ifdef CRASH
	abort();
#endif
	rv = ((CK_RV(*)(CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *))real->functions[SIGN])(session, data, size, signature, length);
#ifdef SIGN_LENGTH
	*length = (CK_ULONG)SIGN_LENGTH;
#endif
	return rv;
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

#if defined BARE_POINTS || defined LATER_LENGTH
static CK_RV get_attribute_value(CK_ULONG session, CK_ULONG object, CK_ATTRIBUTE *asked, CK_ULONG count)
{
	CK_RV rv = ((CK_RV(*)(CK_ULONG, CK_ULONG, CK_ATTRIBUTE *, CK_ULONG))real->functions[GET_ATTRIBUTE_VALUE])(session, object, asked, count);
#ifdef BARE_POINTS
	if (rv == 0 && count == 1 && asked->type == CKA_EC_POINT && asked->value != NULL) {
		CK_BYTE *bytes = asked->value;
		CK_ULONG head = bytes[1] < 0x80 ? 2 : 2 + (bytes[1] & 0x7f);
		asked->length -= head;
		memmove(bytes, bytes + head, asked->length);
	}
#endif
#ifdef LATER_LENGTH
	if (rv == 0 && asked->value != NULL) asked->length = (CK_ULONG)LATER_LENGTH;
#endif
	return rv;
}
#endif

#ifdef FIND_ANSWER
static CK_RV find_objects(CK_ULONG session, CK_ULONG *objects, CK_ULONG room, CK_ULONG *count)
{
	(void)session, (void)objects, (void)room, (void)count;
	return FIND_ANSWER;
}

static CK_RV find_objects_final(CK_ULONG session)
{
	((CK_RV(*)(CK_ULONG))real->functions[FIND_OBJECTS_FINAL])(session);
	return 0x91; /* CKR_OPERATION_NOT_INITIALIZED */
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
#if defined BARE_POINTS || defined LATER_LENGTH
		list.functions[GET_ATTRIBUTE_VALUE] = get_attribute_value;
#endif
#ifdef ONLY_MECHANISM
		list.functions[GET_MECHANISM_LIST] = get_mechanism_list;
#endif
#ifdef FIND_ANSWER
		list.functions[FIND_OBJECTS] = find_objects;
		list.functions[FIND_OBJECTS_FINAL] = find_objects_final;
#endif
#ifdef NO_FUNCTION
		list.functions[NO_FUNCTION] = NULL;
#endif
	}
#ifdef NO_LIST
	*result = NULL;
#else
	*result = &list;
#endif
	return 0;
}
