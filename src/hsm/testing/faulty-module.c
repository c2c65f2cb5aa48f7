/*
 * A PKCS#11 module for tests: hands every call to SoftHSM2, but for those that the file $CLAVIGER_HSM_FAULT names. Its one line is
 *
 *     FUNCTION SKIP TIMES ACTION VALUE
 *
 * and says that, after SKIP more calls of FUNCTION, TIMES of them fail with the return value VALUE ("fail"), or are kept waiting for
 * VALUE milliseconds ("wait"), or find all sessions closed ("close") or the library finalized ("finalize") by somebody else.
 */
#include <pthread.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11.h"

static CK_FUNCTION_LIST_PTR real;
static CK_FUNCTION_LIST ours;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static CK_SLOT_ID used_slot;

/* CKR_OK: go on and ask SoftHSM2. */
static CK_RV disturb(const char *function)
{
  const char *path = getenv("CLAVIGER_HSM_FAULT");
  char name[64], action[16];
  long skip, times, value;
  CK_RV rv = CKR_OK;
  long waited = 0;
  FILE *file;
  if (path == NULL) return CKR_OK;
  pthread_mutex_lock(&lock);
  file = fopen(path, "r+");
  if (file != NULL) {
    if (fscanf(file, "%63s %ld %ld %15s %ld", name, &skip, &times, action, &value) == 5 && strcmp(name, function) == 0) {
      if (skip > 0) skip--;
      else {
        times--;
        if (strcmp(action, "wait") == 0) waited = value;
        else if (strcmp(action, "close") == 0) real->C_CloseAllSessions(used_slot);
        else if (strcmp(action, "finalize") == 0) real->C_Finalize(NULL);
        else rv = (CK_RV)value;
      }
      rewind(file);
      if (ftruncate(fileno(file), 0) == 0 && times > 0) fprintf(file, "%s %ld %ld %s %ld", name, skip, times, action, value);
    }
    fclose(file);
  }
  pthread_mutex_unlock(&lock);
  if (waited > 0) {
    struct timespec time = {waited / 1000, (waited % 1000) * 1000000};
    nanosleep(&time, NULL);
  }
  return rv;
}

#define DISTURBED(name, parameters, arguments) \
  static CK_RV name##_disturbed parameters     \
  {                                            \
    CK_RV rv = disturb(#name);                 \
    return rv == CKR_OK ? real->name arguments : rv; \
  }

DISTURBED(C_Initialize, (CK_VOID_PTR a), (a))
DISTURBED(C_Login, (CK_SESSION_HANDLE s, CK_USER_TYPE u, CK_UTF8CHAR_PTR p, CK_ULONG n), (s, u, p, n))
DISTURBED(C_SignInit, (CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE k), (s, m, k))
DISTURBED(C_Sign, (CK_SESSION_HANDLE s, CK_BYTE_PTR d, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG_PTR l), (s, d, n, o, l))
DISTURBED(C_EncryptInit, (CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE k), (s, m, k))
DISTURBED(C_Encrypt, (CK_SESSION_HANDLE s, CK_BYTE_PTR d, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG_PTR l), (s, d, n, o, l))
DISTURBED(C_Decrypt, (CK_SESSION_HANDLE s, CK_BYTE_PTR d, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG_PTR l), (s, d, n, o, l))
DISTURBED(C_FindObjectsInit, (CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR t, CK_ULONG n), (s, t, n))
DISTURBED(C_GenerateKey, (CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR t, CK_ULONG n, CK_OBJECT_HANDLE_PTR k), (s, m, t, n, k))

static CK_RV C_OpenSession_disturbed(CK_SLOT_ID slot, CK_FLAGS f, CK_VOID_PTR a, CK_NOTIFY n, CK_SESSION_HANDLE_PTR s)
{
  CK_RV rv = disturb("C_OpenSession");
  used_slot = slot;
  return rv == CKR_OK ? real->C_OpenSession(slot, f, a, n, s) : rv;
}

/* VALUE is set among the token's flags. */
static CK_RV C_GetTokenInfo_disturbed(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
  CK_RV flags = disturb("C_GetTokenInfo");
  CK_RV rv = real->C_GetTokenInfo(slot, info);
  if (rv == CKR_OK) info->flags |= flags;
  return rv;
}

/* The digest is wrong by one bit, which a known answer finds. */
static CK_RV C_Digest_disturbed(CK_SESSION_HANDLE s, CK_BYTE_PTR d, CK_ULONG n, CK_BYTE_PTR o, CK_ULONG_PTR l)
{
  CK_RV wrong = disturb("C_Digest");
  CK_RV rv = real->C_Digest(s, d, n, o, l);
  if (wrong != CKR_OK && rv == CKR_OK && o != NULL && *l > 0) o[0] ^= 1;
  return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
  pthread_mutex_lock(&lock);
  if (real == NULL) {
    const char *path = getenv("CLAVIGER_HSM_REAL");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library == NULL ? NULL : (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
    if (get == NULL || get(&real) != CKR_OK) {
      pthread_mutex_unlock(&lock);
      return CKR_GENERAL_ERROR;
    }
    ours = *real;
    ours.C_Initialize = C_Initialize_disturbed;
    ours.C_OpenSession = C_OpenSession_disturbed;
    ours.C_Login = C_Login_disturbed;
    ours.C_SignInit = C_SignInit_disturbed;
    ours.C_Sign = C_Sign_disturbed;
    ours.C_EncryptInit = C_EncryptInit_disturbed;
    ours.C_Encrypt = C_Encrypt_disturbed;
    ours.C_Decrypt = C_Decrypt_disturbed;
    ours.C_FindObjectsInit = C_FindObjectsInit_disturbed;
    ours.C_GenerateKey = C_GenerateKey_disturbed;
    ours.C_GetTokenInfo = C_GetTokenInfo_disturbed;
    ours.C_Digest = C_Digest_disturbed;
  }
  pthread_mutex_unlock(&lock);
  *list = &ours;
  return CKR_OK;
}
