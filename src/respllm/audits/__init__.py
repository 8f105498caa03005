"""Questions put to a trained model, and to the data it was tested on."""

from respllm.audits.audit import audit
from respllm.audits.data import DataAudit, audit_data
from respllm.audits.results import AuditResult, Finding
from respllm.audits.storing import read_audit, write_audit

__all__ = [
    "AuditResult",
    "DataAudit",
    "Finding",
    "audit",
    "audit_data",
    "read_audit",
    "write_audit",
]
