"""The servicer: reads the request, calls the service, writes the response."""

from dataclasses import dataclass
from typing import Any

import grpc
from sosia.licensing.v1 import licensing_service_pb2 as pb
from sosia.licensing.v1 import licensing_service_pb2_grpc

from licensing.rpc import incoming, outgoing
from licensing.service.approvals import Approvals
from licensing.service.decisions import Decisions
from licensing.service.exchange import Exchange
from licensing.service.grants import Grants
from licensing.service.ledger import Ledger
from licensing.service.licenses import Licenses
from licensing.service.offers import Offers
from licensing.service.prices import Quotes, RateCards
from licensing.service.releases import Releases
from licensing.service.stamps import to_stamp

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """What licensing does, by meaning."""

    rate_cards: RateCards
    quotes: Quotes
    licenses: Licenses
    offers: Offers
    decisions: Decisions
    grants: Grants
    approvals: Approvals
    releases: Releases
    ledger: Ledger
    exchange: Exchange


class LicensingServicer(licensing_service_pb2_grpc.LicensingServiceServicer):
    """LicensingService; errors are in the contract."""

    def __init__(self, services: Services) -> None:
        self._do = services

    async def SetRateCard(
        self, request: pb.SetRateCardRequest, context: Context
    ) -> pb.SetRateCardResponse:
        """Replace a rate card."""
        prices = incoming.to_prices(request.rate_card)
        card = await self._do.rate_cards.set(incoming.to_command(request), prices)
        return pb.SetRateCardResponse(rate_card=outgoing.from_card(card))

    async def GetRateCard(
        self, request: pb.GetRateCardRequest, context: Context
    ) -> pb.GetRateCardResponse:
        """Return a rate card."""
        card = await self._do.rate_cards.get(request.talent_id)
        return pb.GetRateCardResponse(rate_card=outgoing.from_card(card))

    async def CreateQuote(
        self, request: pb.CreateQuoteRequest, context: Context
    ) -> pb.CreateQuoteResponse:
        """Price a license."""
        asked = incoming.to_asked(request.terms)
        quote = await self._do.quotes.create(incoming.to_command(request), asked)
        return pb.CreateQuoteResponse(quote=outgoing.from_quote(quote))

    async def ProposeLicense(
        self, request: pb.ProposeLicenseRequest, context: Context
    ) -> pb.ProposeLicenseResponse:
        """Propose a license."""
        command = incoming.to_command(request)
        license = await self._do.licenses.propose(command, request.quote_id, request.renews)
        return pb.ProposeLicenseResponse(license=outgoing.from_license(license))

    async def CounterLicense(
        self, request: pb.CounterLicenseRequest, context: Context
    ) -> pb.CounterLicenseResponse:
        """Answer an offer with another."""
        license = await self._do.offers.counter(
            incoming.to_command(request), request.license_id, incoming.to_answer(request)
        )
        return pb.CounterLicenseResponse(license=outgoing.from_license(license))

    async def AcceptLicense(
        self, request: pb.AcceptLicenseRequest, context: Context
    ) -> pb.AcceptLicenseResponse:
        """Say yes to an offer, for the brand."""
        command = incoming.to_command(request)
        license = await self._do.offers.accept(command, request.license_id)
        return pb.AcceptLicenseResponse(license=outgoing.from_license(license))

    async def DeclineLicense(
        self, request: pb.DeclineLicenseRequest, context: Context
    ) -> pb.DeclineLicenseResponse:
        """End talks without a license."""
        command = incoming.to_command(request)
        license = await self._do.offers.decline(command, request.license_id, request.note)
        return pb.DeclineLicenseResponse(license=outgoing.from_license(license))

    async def ListLicenseChanges(
        self, request: pb.ListLicenseChangesRequest, context: Context
    ) -> pb.ListLicenseChangesResponse:
        """Return every step of a license's life."""
        found = await self._do.offers.find_changes(request.license_id)
        return pb.ListLicenseChangesResponse(changes=[outgoing.from_change(one) for one in found])

    async def SignLicense(
        self, request: pb.SignLicenseRequest, context: Context
    ) -> pb.SignLicenseResponse:
        """Make a license live."""
        license = await self._do.licenses.sign(
            incoming.to_command(request),
            request.license_id,
            request.signature,
            request.delegation_id,
        )
        return pb.SignLicenseResponse(license=outgoing.from_license(license))

    async def RevokeLicense(
        self, request: pb.RevokeLicenseRequest, context: Context
    ) -> pb.RevokeLicenseResponse:
        """End a license."""
        license = await self._do.licenses.revoke(
            incoming.to_command(request), request.license_id, request.signature
        )
        return pb.RevokeLicenseResponse(license=outgoing.from_license(license))

    async def GetLicense(
        self, request: pb.GetLicenseRequest, context: Context
    ) -> pb.GetLicenseResponse:
        """Return a license."""
        license = await self._do.licenses.get(request.license_id)
        return pb.GetLicenseResponse(license=outgoing.from_license(license))

    async def ListLicenses(
        self, request: pb.ListLicensesRequest, context: Context
    ) -> pb.ListLicensesResponse:
        """Return the licenses of a talent or a brand."""
        found = await self._do.licenses.find(talent_id=request.talent_id, brand_id=request.brand_id)
        return pb.ListLicensesResponse(licenses=[outgoing.from_license(one) for one in found])

    async def Authorize(
        self, request: pb.AuthorizeRequest, context: Context
    ) -> pb.AuthorizeResponse:
        """Decide whether a use is licensed."""
        (decision,) = await self._do.decisions.decide([incoming.to_question(request)])
        return pb.AuthorizeResponse(allowed=decision.allowed, reasons=decision.reasons)

    async def AuthorizeMany(
        self, request: pb.AuthorizeManyRequest, context: Context
    ) -> pb.AuthorizeManyResponse:
        """Decide about several uses as of one moment."""
        questions = [
            incoming.to_question(one, f"questions[{index}].")
            for index, one in enumerate(request.questions)
        ]
        return pb.AuthorizeManyResponse(
            answers=[
                pb.AuthorizeResponse(allowed=one.allowed, reasons=one.reasons)
                for one in await self._do.decisions.decide(questions)
            ]
        )

    async def IssueGrant(
        self, request: pb.IssueGrantRequest, context: Context
    ) -> pb.IssueGrantResponse:
        """Issue a grant."""
        token, expires_at = await self._do.grants.issue(
            incoming.to_command(request), incoming.to_work(request)
        )
        return pb.IssueGrantResponse(grant=token, expires_at=to_stamp(expires_at))

    async def ListApprovals(
        self, request: pb.ListApprovalsRequest, context: Context
    ) -> pb.ListApprovalsResponse:
        """Return approvals."""
        found = await self._do.approvals.find(
            talent_id=request.talent_id, render_id=request.render_id
        )
        return pb.ListApprovalsResponse(approvals=[outgoing.from_approval(one) for one in found])

    async def DecideApproval(
        self, request: pb.DecideApprovalRequest, context: Context
    ) -> pb.DecideApprovalResponse:
        """Write down a talent's word."""
        approval = await self._do.approvals.decide(
            incoming.to_command(request),
            request.approval_id,
            incoming.to_word(request),
            request.delegation_id,
        )
        return pb.DecideApprovalResponse(approval=outgoing.from_approval(approval))

    async def ReleasePicture(
        self, request: pb.ReleasePictureRequest, context: Context
    ) -> pb.ReleasePictureResponse:
        """Release a picture."""
        license, transaction_id = await self._do.releases.release(
            incoming.to_command(request), incoming.to_picture(request)
        )
        return pb.ReleasePictureResponse(
            license=outgoing.from_license(license), transaction_id=transaction_id
        )

    async def GetStatement(
        self, request: pb.GetStatementRequest, context: Context
    ) -> pb.GetStatementResponse:
        """Return what is owed to a party."""
        statement = await self._do.ledger.get_statement(request.party_id)
        return pb.GetStatementResponse(statement=outgoing.from_statement(statement))

    async def ListEntries(
        self, request: pb.ListEntriesRequest, context: Context
    ) -> pb.ListEntriesResponse:
        """Return entries about a license or a render."""
        entries = await self._do.ledger.find_entries(request.subject_id)
        return pb.ListEntriesResponse(entries=[outgoing.from_entry(entry) for entry in entries])

    async def ExportLicense(
        self, request: pb.ExportLicenseRequest, context: Context
    ) -> pb.ExportLicenseResponse:
        """Write a license for others."""
        format = incoming.to_format(request.format)
        content = await self._do.exchange.export(request.license_id, format)
        return pb.ExportLicenseResponse(content=content)

    async def ImportTerms(
        self, request: pb.ImportTermsRequest, context: Context
    ) -> pb.ImportTermsResponse:
        """Read terms somebody wrote."""
        read = self._do.exchange.read(incoming.to_document(request.document))
        return outgoing.from_read(read)
