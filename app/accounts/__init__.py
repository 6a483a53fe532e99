"""Who signs in: accounts and their roles, sign-in sessions, links by mail, tokens for programs, and how often one may try.

Knows nothing of cookies, pages and mail: the web carries the secrets, the tickets room sends the mail.
"""

from app.accounts.audit_log import list_acts, note_act
from app.accounts.links import LinkExpired, check_link, request_link, use_link
from app.accounts.models import SCOPES, STAFF_ROLES, AdminAct, ApiToken, Role, Session, User
from app.accounts.passwords import PasswordRefused
from app.accounts.sessions import (
    end_other_sessions,
    end_session,
    end_session_by_id,
    open_session,
    session_of_token,
    sessions_of,
    touch_session,
    user_of_session,
)
from app.accounts.sign_in import SignInFailed, SignInRules, SignInThrottled, sign_in
from app.accounts.throttle import Limit, TooMany, admit, forgive
from app.accounts.tokens import InvalidScope, list_tokens, make_token, revoke_token, touch_token, user_of_token
from app.accounts.users import (
    InvalidUser,
    LastAdmin,
    UserExists,
    UserNotFound,
    add_user,
    change_profile,
    customer_of_email,
    disable_user,
    enable_user,
    erase_user,
    find_user,
    find_user_by_email,
    has_this_password,
    list_users,
    normal_email,
    set_password,
    set_role,
)

__all__ = [
    "SCOPES",
    "STAFF_ROLES",
    "AdminAct",
    "ApiToken",
    "InvalidScope",
    "InvalidUser",
    "LastAdmin",
    "Limit",
    "LinkExpired",
    "PasswordRefused",
    "Role",
    "Session",
    "SignInFailed",
    "SignInRules",
    "SignInThrottled",
    "TooMany",
    "User",
    "UserExists",
    "UserNotFound",
    "add_user",
    "admit",
    "change_profile",
    "check_link",
    "customer_of_email",
    "disable_user",
    "enable_user",
    "end_other_sessions",
    "end_session",
    "end_session_by_id",
    "erase_user",
    "find_user",
    "find_user_by_email",
    "forgive",
    "has_this_password",
    "list_acts",
    "list_tokens",
    "list_users",
    "make_token",
    "normal_email",
    "note_act",
    "open_session",
    "request_link",
    "revoke_token",
    "session_of_token",
    "sessions_of",
    "set_password",
    "set_role",
    "sign_in",
    "touch_session",
    "touch_token",
    "use_link",
    "user_of_session",
    "user_of_token",
]
