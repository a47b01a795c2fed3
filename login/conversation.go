package login

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// input is one cell of the conversation table: in this step, this is what the person did.
type input struct {
	step   Step
	action Action
}

// move takes a login from one step to its next reply.
type move func(*Engine, context.Context, *turn) (Reply, error)

// conversation is the table of doc.go. What is not in it leaves the login where it is: the step is
// asked again and nothing counts.
func conversation() map[input]move {
	table := map[input]move{
		{StepChooseFactor, ActionAnswer}:         (*Engine).useFactor,
		{StepRegisterTOTP, ActionAnswer}:         (*Engine).answerCandidate,
		{StepRegisterAddress, ActionAnswer}:      (*Engine).answerAddress,
		{StepConfirmAddress, ActionAnswer}:       (*Engine).confirmAddress,
		{StepConfirmAddress, ActionResend}:       (*Engine).sendToCandidate,
		{StepConfirmAddress, ActionEditAddress}:  (*Engine).editAddress,
		{StepOTP, ActionAnswer}:                  (*Engine).answerOTP,
		{StepOTP, ActionResend}:                  (*Engine).resend,
		{StepOTP, ActionEditAddress}:             (*Engine).editAddress,
		{StepRegisterTOTP, ActionEditAddress}:    (*Engine).back,
		{StepRegisterAddress, ActionEditAddress}: (*Engine).back,
		{StepPasscode, ActionEditAddress}:        (*Engine).back,
	}
	for _, step := range []Step{StepPasscode, StepNewPIN, StepConfirmPIN, StepNextTokencode} {
		table[input{step, ActionAnswer}] = (*Engine).answerPasscode
	}
	for _, step := range stateSteps() {
		table[input{step, ActionCancel}] = (*Engine).cancel
	}
	for _, step := range []Step{StepChooseFactor, StepRegisterTOTP, StepRegisterAddress, StepConfirmAddress, StepOTP, StepPasscode} {
		table[input{step, ActionUseFactor}] = (*Engine).useFactor
	}
	return table
}

// action returns what the person wants: what the client says in so many words, or else what they
// typed. An empty answer asks again, and sends again where something is sent; it is an answer where the RSA
// server asks for one.
func (t *turn) action(said Action) Action {
	if said != ActionAnswer {
		return said
	}
	typed := strings.ToLower(t.answer)
	switch {
	case t.inDialogue() && (typed != "" || t.mayBeEmpty()):
		return ActionAnswer // whatever it is, it is for the RSA server
	case typed == "":
		return ActionResend
	}
	switch {
	case typed == "r":
		return ActionResend
	case typed == "b", t.token.step == StepConfirmAddress && (typed == "n" || typed == "no"):
		return ActionEditAddress
	case !t.policy.ConcealPassword && t.token.step != StepRegisterAddress && slices.Contains(t.rule.factors, typed):
		return ActionUseFactor
	}
	return ActionAnswer
}

// pick returns the choice that the person means: by its name, or by its number as it was shown.
func pick(choices []string, answer string) (string, bool) {
	if n, err := strconv.Atoi(FoldDigits(answer)); err == nil && n >= 1 && n <= len(choices) {
		return choices[n-1], true
	}
	name := strings.ToLower(strings.TrimSpace(answer))
	return name, slices.Contains(choices, name)
}
