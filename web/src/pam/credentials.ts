/** The rules for usernames and passwords, told before anything is sent. */

const USERNAME = /^[a-z0-9_.-]{3,32}$/;
const PASSWORD_LENGTH_MIN = 10;

export function usernameComplaint(username: string): string | undefined {
  return USERNAME.test(username.trim().toLowerCase()) ? undefined : "Use 3 to 32 of a–z, 0–9, _ . -";
}

export function passwordComplaint(password: string): string | undefined {
  return password.length >= PASSWORD_LENGTH_MIN ? undefined : `Use at least ${PASSWORD_LENGTH_MIN} characters`;
}
