"""StoneX Clearing's own fields, call by call, as its pages have them.

Position summary: https://docs.clearing.stonex.com/docs/accounts-api/endpoints/position-summary, balance summary:
https://docs.clearing.stonex.com/docs/accounts-api/endpoints/balance-summary. The pages do not say which figures with
"percent" in their name are per cent and which are fractions; those are numbers without a unit here.
"""

from __future__ import annotations

from typing import Final

from marginwatch.venues.vendor import Documented, flag, money, number, price, quantity, text, time

_UNCLEAR: Final = "The vendor does not say whether it is a percentage or a fraction: do not put a limit on it."

POSITION_SUMMARY: Final[tuple[Documented, ...]] = (
    text("acctNo", "StoneX account number."),
    time("date", "A date whose meaning the vendor does not document; it is never taken for the time of the data."),
    money("totalShortMarket", "Total short value, non-marginable positions and options included."),
    money("totalLongMarket", "Total long value, non-marginable positions and options included."),
    money("totalCash", "Cash in the account."),
    money("totalMoneyMarket", "Combined money market fund balance."),
    money("netMarket", "Value of assets less liabilities."),
    money("netCustodied", "Value of the assets held in custody."),
    money("assetsHeldAway", "Assets managed but held elsewhere."),
    money("totalAccountValue", "Value of the account; not the margin equity."),
    money("freeCash", "Today's free cash for margin purposes."),
    money("gainLoss", "Increase or loss in the value of the assets."),
    number("gainLossPercentage", f"The same, relative. {_UNCLEAR}"),
    money("fundsAvailable", "Funds available; the vendor gives no description."),
    money("fedCallAmount", "Amount of a federal call that is outstanding or was created today."),
    money(
        "maintCallAmount",
        "Amount of a maintenance call by its name, although the vendor describes it as the account's maximum debit.",
    ),
    money("marginCashAvailable", "Margin cash available; the vendor gives no description."),
    money("buyingPower", "Cash held plus all available margin."),
    money("accumFedAmount", "All federal calls outstanding, added up by the vendor; overlaps fedCallAmount."),
    money("accruedInterest", "Accrued interest."),
    money("totalCashUsdOnly", "Cash held in US dollars only."),
)

MARGIN_BALANCE: Final[tuple[Documented, ...]] = (
    money("marginBuyingPower", "Buying power on margin."),
    money("nyseExcess", "Excess over the exchange's margin requirement."),
    money("dtbp", "Day trading buying power, in short."),
    money("marginDebitBalance", "Debit balance on margin."),
    money("dailyMarginInterest", "Margin interest of one day."),
    money("accruedMarginInterest", "Margin interest accrued."),
    number("currentMarginRate", f"Rate of margin interest. {_UNCLEAR}"),
    money("dayTradeBuyingPower", "Day trading buying power."),
    money("equity", "Margin equity."),
    number("equityPercentage", f"Margin equity, relative. {_UNCLEAR}"),
    money("houseExcess", "Excess over the house's margin requirement; the vendor does not document its sign."),
)

AVAILABLE_WITHDRAWAL: Final[tuple[Documented, ...]] = (
    money("freeCash", "Free cash that can be withdrawn."),
    money("moneyMarket", "Money market funds that can be withdrawn."),
    money("marginCashAvailability", "Margin cash that can be withdrawn."),
    money("pendingMoneyMarketInterest", "Money market interest not yet paid."),
)

OPEN_CALL: Final[tuple[Documented, ...]] = (
    money("federalCall", "Federal call outstanding."),
    money("maintenanceCall", "Maintenance call outstanding."),
    money("dayTradeCall", "Day trade call outstanding."),
    money("accumFedAmount", "All federal calls outstanding, added up by the vendor; overlaps federalCall."),
)

REQUIREMENT: Final[tuple[Documented, ...]] = (money("houseRequirement", "The house's margin requirement."),)
"""The part of a `marginRequirements` row that is read."""

PORTFOLIO: Final[tuple[Documented, ...]] = (
    time("date", "A date whose meaning the vendor does not document."),
    number("acctTypeCode", "Code of the account type."),
    text("acctType", "Account type: Cash, Margin or Short."),
    text("acctNo", "StoneX account number."),
    text("accountName", "Name of the account."),
    number("currencyCode", "Code of the currency."),
    text("currency", "Currency of the position."),
    money("marketValue", "Market value in the position's currency.", converted="marketUsdeValue"),
    money("marketUsdeValue", "Market value with the exchange rate applied."),
    quantity("quantity", "Quantity."),
    money("gainLoss", "Increase or loss in the value."),
    number("fxRate", "Exchange rate."),
    price("price", "Price."),
    text("priceType", "How fresh the price is.", ("CurrentSnap", "DelayedSnap", "LastClose")),
    number("marketValueFactor", "Factor of the market value; the vendor gives no description."),
    number("marketUsdeValueFactor", "Factor of the converted market value; the vendor gives no description."),
    time("priceDate", "When the position was last priced."),
    text("symbolId", "Identifier made from other security identifiers."),
    text("secNo", "The clearing system's internal security number."),
    text("isin", "ISIN."),
    text("sedol", "SEDOL."),
    text("cusip", "CUSIP."),
    text("symbol", "Security symbol."),
    text("description", "Description."),
    text("secTypeCode", "Original security type code."),
    text("secTypeName", "Name of the security type."),
    text("industryGroupName", "Industry group."),
    number("industryGroupCode", "Code of the industry group."),
    flag("isOffShore", "Whether the position is offshore."),
    text("offshoreShareClass", "Offshore share class."),
    number("currentFactor", "Current face value over original value."),
    quantity("unitQuantity", "Shares that make one unit of trade."),
    text("newSecCode", "New security type code."),
    text("typeClassCode", "Security class code."),
)

UNREALIZED: Final[tuple[Documented, ...]] = (
    text("symbolId", "Identifier made from other security identifiers, as the vendor's example spells it."),
    text("symbolID", "The same, as the vendor's table spells it."),
    text("description", "Description."),
    number("acctType", "Code of the account type."),
    time("openDate", "When the position was opened."),
    text("openType", "Type of opening; stands in the vendor's table in place of openDate."),
    text("term", "Term."),
    text("longShortInd", "Whether long or short."),
    text("secNo", "The clearing system's internal security number."),
    text("recon", "Reconciliation mark; the vendor gives no description."),
    quantity("quantity", "Shares, option contracts, or face value of bonds."),
    quantity("unitQuantity", "Shares that make one unit of trade."),
    quantity("displayQuantity", "Quantity to be shown."),
    money("cost", "Cost of the position."),
    price("unitCost", "Cost of one unit."),
    price("summaryLevelUnitCost", "Cost of one unit over all lots."),
    money("value", "Market value of the position."),
    text("noCost", "Mark of a position without cost."),
    text("noCostLot", "Mark of a lot without cost."),
    text("trueZero", "Mark of a true zero."),
    number("portfolioPercent", f"Weight of the position. {_UNCLEAR}"),
    money("gainLoss", "Increase or loss in the value."),
    number("gainLossPercent", f"The same, relative. {_UNCLEAR}"),
    price("closePrice", "Price of the sale of a closed tax lot."),
    price("currentPrice", "Most recent price on an exchange."),
    number("yield", f"Income on the investment. {_UNCLEAR}"),
    money("washDisallowedAmt", "Loss disallowed as a wash sale."),
    text("wash", "Mark of a wash sale."),
    money("totalCost", "Total cost."),
    money("totalValue", "Total market value."),
    money("totalUnrealizedAmount", "Total unrealized gain or loss."),
    number("totalUnrealizedPercent", f"The same, relative. {_UNCLEAR}"),
    money("glNoWash", "Gain or loss without wash sales."),
    number("unrealizedGainPercentage", f"Unrealized gain, relative. {_UNCLEAR}"),
    money("totalGlNoWash", "Total gain or loss without wash sales."),
    number("totalGlNoWashPercentage", f"The same, relative. {_UNCLEAR}"),
    quantity("transactionQuantity", "Quantity of the transaction."),
    quantity("safekeepFirmQuantity", "Quantity in safekeeping in the firm's name."),
    text("transferType", "Kind of transfer.", ("PartialTransfer", "FullTransfer")),
)
