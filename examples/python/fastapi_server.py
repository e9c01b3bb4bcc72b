"""A FastAPI application, guarded route by route.

AUTHKIT_DOMAIN=https://… AUTHKIT_BASE_URL=https://… uvicorn fastapi_server:app
"""

from typing import Annotated

from fastapi import Depends, FastAPI

from authkit_verifier import Claims
from authkit_verifier.fastapi import AuthKit

auth = AuthKit()  # from the environment; a wrong one stops the server here
app = FastAPI()
auth.install(app)  # the well-known documents, and refusals as the library words them


@app.get("/health")
async def health() -> str:
    """Open: it names no dependency."""
    return "ok"


@app.get("/mcp")
async def whoami(claims: Annotated[Claims, Depends(auth)]) -> dict[str, str]:
    """For everyone whose token is good."""
    return {"subject": claims.subject}


@app.post("/mcp/notes")
async def write_note(claims: Annotated[Claims, auth.requires("mcp:write")]) -> dict[str, str]:
    """Needs a scope: without it the answer is a 403 that names it."""
    return {"written_by": claims.subject}
